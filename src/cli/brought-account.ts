import type { Linking } from '../accounts/link-identity.ts'
import type { Role } from '../domain/user.ts'
import { CliFailure } from './failure.ts'
import { readRole } from './user-document.ts'

/** An account that brings its id along: from another server, or because a deployment names it. */
export type BroughtAccount = {
  readonly userId: string
  readonly username: string
  readonly role: Role
  readonly bot: boolean
  /** User id. */
  readonly wrangler?: string
  readonly fullName?: string
  readonly email?: string
  readonly scopes?: readonly string[]
  readonly epoch: number
  readonly locked: boolean
  readonly passwordHash?: string
  readonly identities: readonly Linking[]
}

const known: ReadonlySet<string> = new Set(
  'user_id username role bot wrangler full_name email scopes epoch locked password_hash identities'.split(' '),
)

/** An account in wire names. A word that isn't known is refused: a slip in `role` must not make an editor. */
export function readBroughtAccount(fields: Readonly<Record<string, unknown>>, where: string): BroughtAccount {
  const wrong = (problem: string) => new CliFailure(`${where} ${problem}`, { exitCode: 2 })
  const unknown = Object.keys(fields).find((name) => !known.has(name))
  if (unknown !== undefined) throw wrong(`has ${unknown}, which no account has; it may have ${[...known].join(', ')}`)
  const text = (name: string): string | undefined => {
    const value = fields[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') throw wrong(`has a ${name} that is no text`)
    return value
  }
  const yes = (name: string): boolean => {
    const value = fields[name] ?? false
    if (typeof value !== 'boolean') throw wrong(`has a ${name} that is neither true nor false`)
    return value
  }
  const [userId, username, wrangler, fullName, email] = ['user_id', 'username', 'wrangler', 'full_name', 'email'].map(
    text,
  )
  const passwordHash = text('password_hash')
  if (userId === undefined || username === undefined) throw wrong('lacks user_id or username')
  const { epoch = 1, scopes, identities = [] } = fields
  if (typeof epoch !== 'number') throw wrong('has an epoch that is not a number of milliseconds')
  if (scopes !== undefined && !isTexts(scopes)) throw wrong('has scopes that are no list of words')
  if (!Array.isArray(identities)) throw wrong('has identities that are no list')
  const bot = yes('bot')
  // Said before the first account is made, not in the middle of them.
  const wayIn = identities.length > 0 ? 'identities' : passwordHash !== undefined ? 'a password_hash' : undefined
  if (bot && wayIn !== undefined) throw wrong(`is a bot and has ${wayIn}; nobody signs in as a bot, it gets tokens`)
  return {
    userId,
    username,
    role: readRole(text('role')) ?? 'editor',
    bot,
    ...(wrangler !== undefined && { wrangler }),
    ...(fullName !== undefined && { fullName }),
    ...(email !== undefined && { email }),
    ...(scopes !== undefined && { scopes }),
    epoch,
    locked: yes('locked'),
    ...(passwordHash !== undefined && { passwordHash }),
    identities: identities.map((identity: unknown) => readIdentity(identity, wrong)),
  }
}

function readIdentity(identity: unknown, wrong: (problem: string) => CliFailure): Linking {
  const { provider, issuer, subject, label = subject } = (identity ?? {}) as Record<string, unknown>
  const fits =
    typeof provider === 'string' &&
    /^[a-z][a-z0-9-]{0,31}$/.test(provider) &&
    typeof issuer === 'string' &&
    URL.canParse(issuer) &&
    typeof subject === 'string' &&
    subject !== '' &&
    typeof label === 'string'
  if (!fits)
    throw wrong('has an identity without a provider (lower-case letters, digits, -), issuer (a URL) or subject')
  return { provider, issuer, subject, label }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
