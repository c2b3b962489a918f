import { longestPasswordBytes } from '../crypto/password-pool.ts'
import { strengthWords } from '../i18n/strength-words.ts'
import type { User } from '../domain/user.ts'
import { problem } from '../protocol/problem.ts'
import type { Guessable, PasswordStrength, Refused } from './context.ts'

export const shortestPassword = 10

/** Words that belong to an account, which nobody chooses as its password. */
export function ownWords({ username, fullName = '', email = '' }: Own): readonly string[] {
  return [username.toLowerCase(), fullName, email]
}

type Own = Pick<User, 'username'> & { readonly fullName?: string | undefined; readonly email?: string | undefined }

/**
 * Why a text can't become somebody's password; nothing if it can. Length first, then how soon a guesser would try it
 * (NIST SP 800-63B §3.1.1.2: no rules about kinds of characters). `about`: words that belong to the account.
 */
export async function passwordProblem(
  strength: PasswordStrength,
  password: string,
  about: readonly string[],
): Promise<Refused | undefined> {
  const found = await gaugePassword(strength, password, about)
  if (found === undefined) return undefined
  const reason = lengthProblem(password) ?? guessProblem(found)
  return { refused: problem('invalid_field', { field: 'password', detail: `the password ${reason}` }), strength: found }
}

/**
 * The same as something to show beside a form: what has the wrong length is not even looked at. It is judged in the form that is
 * hashed; the name of the place is the first thing that is tried.
 */
export function gaugePassword(
  strength: PasswordStrength,
  password: string,
  about: readonly string[],
): Promise<Guessable | undefined> {
  return lengthProblem(password) === undefined
    ? strength(password.normalize('NFC'), [...about, 'gatehouse'])
    : Promise.resolve({ score: 0, warning: 'length', suggestions: ['useWords'] })
}

function guessProblem(found: Guessable): string {
  const why = strengthWords('en', 'warning', found.warning)?.replace(/\.$/, '')
  return `is too easy to guess${why === undefined ? '' : ` (${why})`}; choose a few words that do not belong together`
}

function lengthProblem(password: string): string | undefined {
  if (!password.isWellFormed()) return 'is not well-formed Unicode'
  const normal = password.normalize('NFC')
  const characters = Array.from(normal).length
  if (characters < shortestPassword) return `has ${characters} characters, at least ${shortestPassword} are needed`
  // More than this is cut off by nobody and refused by the hash.
  if (Buffer.byteLength(normal) > longestPasswordBytes) return `is longer than ${longestPasswordBytes} bytes`
  return undefined
}
