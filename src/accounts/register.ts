import type { UsersPolicy } from '../config/config.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import type { Limits } from '../limits/limits.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import type { PasswordsContext, Refused } from './context.ts'
import { createUser } from './create-user.ts'
import type { NewUser } from './new-user.ts'
import { emailRef } from './email-name.ts'
import { ownWords, passwordProblem } from './password-policy.ts'
import { requestLetter, type LettersContext } from './request-letter.ts'
import { readUserFields } from './user-fields.ts'

export type RegistrationContext = LettersContext &
  PasswordsContext & { readonly limits: Limits; readonly usersPolicy: () => UsersPolicy }

export type Registration = Pick<NewUser, 'username' | 'fullName' | 'email'> & {
  readonly password: string
  readonly language: string
  readonly address: string
}

export type Registered =
  { readonly done: { readonly userId: string } | 'letter sent' } | (Refused & { readonly retryAfter?: number })

/**
 * Somebody makes himself an account. Where letters can be sent the account comes into being by the link in one, so that it has
 * an address that is really its person's; and the answer is the same whatever names and addresses exist (H02). Without letters
 * the answer can't but tell whether a name is taken: it is made at once or not at all.
 */
export async function register(context: RegistrationContext, wanted: Registration): Promise<Registered> {
  if (context.usersPolicy().registration !== 'open') return { refused: closed }
  const fields = readUserFields(wanted)
  if ('refused' in fields) return fields
  const { username, normal, fullName, email } = fields.done
  if (context.outbox !== undefined && email === undefined) return { refused: addressMissing }
  const reserved = context.limits.reserve('register', [wanted.address])
  if ('retryAfterSeconds' in reserved) return { refused: tooMany, retryAfter: reserved.retryAfterSeconds }

  if (context.outbox === undefined || email === undefined) {
    const { password } = wanted
    const named = {
      username,
      password,
      ...(fullName !== undefined && { fullName }),
      ...(email !== undefined && { email }),
    }
    const made = await createUser(context, { kind: 'registration' }, named)
    return 'refused' in made ? made : { done: { userId: made.done.userId } }
  }
  const sending = context.limits.reserve('letter-to', [emailRef(email).id])
  if ('retryAfterSeconds' in sending) return { refused: tooMany, retryAfter: sending.retryAfterSeconds }
  const weak = await passwordProblem(context.strength, wanted.password, ownWords({ username: normal, fullName, email }))
  if (weak !== undefined) {
    sending.forgive()
    return weak
  }
  const passwordHash = await context.passwords.hash(wanted.password)
  await requestLetter(context, {
    ticket: { purpose: 'register', username, email, passwordHash, ...(fullName !== undefined && { fullName }) },
    ttl: lifetimes.confirmation,
    language: wanted.language,
    address: wanted.address,
  })
  return { done: 'letter sent' }
}

const closed: Problem = problem('forbidden', {
  detail: 'nobody makes an account for himself here; ask an administrator',
})
const addressMissing: Problem = problem('invalid_field', {
  field: 'email',
  detail: 'an address is needed: the account is made by the link in a letter',
})
const tooMany: Problem = problem('rate_limited', {
  detail: 'too many accounts were asked for: wait before the next one',
})
