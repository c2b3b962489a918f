import { z } from 'zod'
import { askToConfirm } from '../../accounts/ask-to-confirm.ts'
import { deleteUser } from '../../accounts/delete-user.ts'
import { patchUser } from '../../accounts/patch-user.ts'
import { emailProblem } from '../../accounts/user-fields.ts'
import { ref } from '../../domain/record.ts'
import type { User } from '../../domain/user.ts'
import { isRefusal } from '../../protocol/errors.ts'
import { problem } from '../../protocol/problem.ts'
import { printScope } from '../../protocol/scope.ts'
import type { Seconds } from '../../protocol/time.ts'
import { verifyPassword } from '../../signin/password.ts'
import { readAlive } from '../../store/read-alive.ts'
import { staleSignIn, weakSignIn } from '../caller.ts'
import type { ApiContext } from '../context.ts'
import type { Rejected } from '../result.ts'
import { operation, type Operation } from '../operation.ts'
import { bearer, oneself, oneselfJustNow } from '../policy.ts'
import { exampleUser, instant, role, selfChange, shownUser, user, userId } from './user-shape.ts'

const passwordChange = z
  .strictObject({
    current_password: z.string().min(1).max(1_024).exactOptional().meta({
      writeOnly: true,
      description: 'Needed of an account that has a password, and of no other looked at.',
    }),
    new_password: z
      .string()
      .min(1)
      .max(1_024)
      .meta({ writeOnly: true, description: 'At least 10 characters that are not easy to guess.' }),
  })
  .meta({ id: 'PasswordChange' })

const tokenSession = z
  .strictObject({
    user_id: userId.nullable().meta({ description: 'null: the client acts for itself.' }),
    username: z.string().nullable(),
    role: role.nullable().meta({ description: 'As it is now, whatever it was when the token was made.' }),
    scope: z.string().meta({ description: 'What the token may do here now, separated by spaces.' }),
    client_id: z.string(),
    expires_at: instant,
  })
  .meta({ id: 'TokenSession', description: 'Whom a token speaks for.' })

export const meOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/me/session',
    id: 'whoAmI',
    tag: 'Oneself',
    summary: 'Whom this token speaks for',
    description: 'For any live token whose audience is this server; 401 for every other.',
    policy: bearer,
    answer: { status: 200, schema: tokenSession },
    example: {
      answer: {
        user_id: exampleUser.user_id,
        username: 'ada',
        role: 'editor',
        scope: 'openid me',
        client_id: 'web',
        expires_at: 1_795_000_900,
      },
    },
    async perform({ caller: { live, scopes } }) {
      const { user, claims } = live
      return {
        done: {
          user_id: user?.userId ?? null,
          username: user?.username ?? null,
          role: user?.role ?? null,
          scope: printScope(scopes),
          client_id: claims.clientId,
          expires_at: claims.exp,
        },
      }
    },
  }),
  operation({
    method: 'GET',
    path: '/api/v1/me',
    id: 'getMe',
    tag: 'Oneself',
    summary: 'Show my account',
    policy: oneself,
    answer: { status: 200, schema: user },
    example: { answer: exampleUser },
    async perform({ caller }) {
      return { done: shownUser(caller.user) }
    },
  }),
  operation({
    method: 'PATCH',
    path: '/api/v1/me',
    id: 'updateMe',
    tag: 'Oneself',
    summary: 'Change my names or address',
    description:
      'Where the server sends letters, another address becomes the account’s when the link in a letter to it was opened; until then the established one stays.',
    policy: oneselfJustNow,
    body: selfChange,
    answer: { status: 200, schema: user },
    refusals: ['conflict', 'rate_limited'],
    example: { body: { full_name: 'Augusta Ada King' }, answer: { ...exampleUser, full_name: 'Augusta Ada King' } },
    async perform({ context, caller, body, address }) {
      const { full_name: fullName, email, ...names } = body
      const byLetter = context.outbox !== undefined && typeof email === 'string' && email !== caller.user.email
      if (byLetter) {
        const refused = await letterTo(context, { user: caller.user, email, address })
        if (refused !== undefined) return refused
      }
      const rest = byLetter || email === undefined ? names : { ...names, email }
      const patch = { ...rest, ...(fullName !== undefined && { fullName }) }
      const updated = await patchUser(context, { actor: caller.actor, userId: caller.user.userId, patch, own: true })
      return 'refused' in updated ? updated : { done: shownUser(updated.done) }
    },
  }),
  operation({
    method: 'DELETE',
    path: '/api/v1/me',
    id: 'deleteMe',
    tag: 'Oneself',
    summary: 'Delete my account',
    description: 'Every session and token of it is dead with it. This cannot be undone.',
    policy: oneselfJustNow,
    answer: { status: 204 },
    example: {},
    async perform({ context, caller }) {
      const deleted = await deleteUser(context, { actor: caller.actor, userId: caller.user.userId, own: true })
      return 'refused' in deleted ? deleted : { done: undefined }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/password',
    id: 'changeMyPassword',
    tag: 'Oneself',
    summary: 'Change my password',
    description:
      'The current password stands in for a recent sign-in, and wrong ones are counted as at sign-in; a person whose account has none gives it one by a recent sign-in. Every session and token of the account ends, this token too; the browser session that it came of stays.',
    policy: oneself,
    body: passwordChange,
    answer: { status: 204 },
    refusals: ['conflict', 'forbidden', 'rate_limited', 'recent_sign_in_needed'],
    example: {
      body: { current_password: 'correct horse battery staple', new_password: 'a quiet harbour in november' },
    },
    async perform({ context, caller, body, address }) {
      const { user: me, actor, live } = caller
      if (me.bot) return { refused: problem('forbidden', { detail: 'a bot has no password; it gets tokens' }) }
      const hasPassword = me.passwordHash !== undefined
      // As on the account page: where there is no password to ask for, only a sign-in of just now says that it is he.
      const weak = hasPassword
        ? await weakSignIn(context, caller)
        : await staleSignIn(context, { policy: oneselfJustNow, caller, named: [] })
      if (weak !== undefined) return weak
      // As with every change of a credential: each is a letter, and work that others wait behind.
      const room = context.limits.reserve('credential-change', [me.userId, address])
      if ('retryAfterSeconds' in room) return tooMany(room.retryAfterSeconds)
      const unproved = hasPassword
        ? await unprovedBy(context, { user: me, password: body.current_password, address })
        : undefined
      if (unproved !== undefined) {
        room.forgive()
        return unproved
      }
      const patch = { password: body.new_password }
      const grant = await readAlive(context.transition.store, ref('grant', live.claims.gid), context.clock.seconds())
      const keepSession = grant?.authentication.sessionId
      const own = { own: true, ...(keepSession !== undefined && { keepSession }) }
      const updated = await patchUser(context, { actor, userId: me.userId, patch, ...own })
      if (!('refused' in updated)) return { done: undefined }
      const { refused } = updated
      return { refused: refused.field === 'password' ? { ...refused, field: 'new_password' } : refused }
    },
  }),
]

const tooMany = (retryAfter: Seconds) => ({
  refused: problem('rate_limited', { detail: 'too many attempts: wait before the next one' }),
  retryAfter,
})

/** Why a password doesn't say that it is this person. One check with sign-in: the same counters, the same event, the same time (H04, H05). */
async function unprovedBy(
  context: ApiContext,
  { user, password, address }: { readonly user: User; readonly password: string | undefined; readonly address: string },
): Promise<Rejected | undefined> {
  if (password === undefined) return wrongCurrent('the account has a password: current_password is needed')
  const proved = await verifyPassword(context, { username: user.username, password, address })
  if (isRefusal(proved)) {
    if (proved.retryAfter !== undefined) return tooMany(proved.retryAfter)
    return wrongCurrent('current_password is not the password of this account')
  }
  // The name may have become somebody else's since the token was looked at.
  if (proved.userId === user.userId) return undefined
  return { refused: problem('conflict', { detail: 'the account was renamed meanwhile: try again' }) }
}

const wrongCurrent = (detail: string): Rejected => ({
  refused: problem('invalid_field', { field: 'current_password', detail }),
})

/** H18: the established address stays until the new one has answered. */
async function letterTo(
  context: ApiContext,
  { user, email, address }: { readonly user: User; readonly email: string; readonly address: string },
): Promise<Rejected | undefined> {
  const malformed = emailProblem(email)
  if (malformed !== undefined) return { refused: malformed }
  const asked = await askToConfirm(context, { user, email, language: user.language ?? 'en', address })
  if (asked === 'asked') return undefined
  return {
    refused: problem('rate_limited', { detail: 'too many letters: wait before the next one' }),
    retryAfter: asked.retryAfterSeconds,
  }
}
