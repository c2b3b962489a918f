import { parseImportedHash } from '../crypto/imported-password.ts'
import { reachesRole, type Actor } from '../domain/authority.ts'
import type { Role, User } from '../domain/user.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import type { NewUser } from './new-user.ts'

export const nameTaken: Problem = problem('conflict', {
  field: 'username',
  detail: 'the user name, or one that is the same when normalised, is taken',
})

export const idTaken: Problem = problem('conflict', {
  field: 'user_id',
  detail: 'there is an account of this id already',
})

/** Why an account can't come from another server as it was there. */
export function broughtProblem(actor: Actor, { brought }: NewUser): Problem | undefined {
  if (brought === undefined) return undefined
  if (actor.kind !== 'cli')
    return problem('forbidden', { detail: 'an account brings its id along only on the command line' })
  const { passwordHash } = brought
  if (passwordHash !== undefined && parseImportedHash(passwordHash) === undefined)
    return problem('invalid_field', {
      field: 'password_hash',
      detail:
        'password_hash is not $pbkdf2-sha256$i=ITERATIONS$SALT$HASH, base64 without padding, 1000 to 2000000 iterations',
    })
  return /^usr_[A-Za-z0-9_-]{1,64}$/.test(brought.userId) && Number.isSafeInteger(brought.epoch) && brought.epoch >= 1
    ? undefined
    : problem('invalid_field', {
        field: 'user_id',
        detail: 'user_id is usr_ and up to 64 of A-Z a-z 0-9 _ -, epoch a positive integer',
      })
}

const notBot: Problem = problem('invalid_field', { field: 'wrangler', detail: 'only a bot has a wrangler' })

const botPassword = (field: 'password' | 'password_hash'): Problem =>
  problem('invalid_field', { field, detail: 'a bot has no password; it gets tokens' })

/** Why there can't be such a bot, or such a person. */
export function botProblem({ bot = false, wrangler, password, brought }: NewUser): Problem | undefined {
  if (!bot) return wrangler === undefined ? undefined : notBot
  if (wrangler === undefined)
    return problem('invalid_field', {
      field: 'wrangler',
      detail: 'a bot needs a wrangler: the person who answers for it',
    })
  if (password !== undefined) return botPassword('password')
  return brought?.passwordHash === undefined ? undefined : botPassword('password_hash')
}

/** Why an account can't get what only a person has, or only a bot. */
export function botPatchProblem(
  { bot }: User,
  { password, wrangler }: { readonly password?: string; readonly wrangler?: string },
): Problem | undefined {
  if (bot) return password === undefined ? undefined : botPassword('password')
  return wrangler === undefined ? undefined : notBot
}

/** Why an account can't answer for a bot of this role. */
export function wranglerProblem(wrangler: User | undefined, role: Role): Problem | undefined {
  if (wrangler === undefined || wrangler.bot || wrangler.locked) {
    return problem('invalid_field', {
      field: 'wrangler',
      detail: 'the wrangler must be a person with an account that is not locked',
    })
  }
  if (reachesRole(wrangler.role, role)) return undefined
  return problem('invalid_field', {
    field: 'wrangler',
    detail: 'the wrangler has a lower role than the bot would have',
  })
}

/** Why a bot can't get a role: whoever answers for it can become it. */
export function roleProblem(wrangler: User | undefined, role: Role | undefined): Problem | undefined {
  if (role === undefined || reachesRole(wrangler?.role ?? 'editor', role)) return undefined
  return problem('invalid_field', {
    field: 'role',
    detail: 'the role is higher than that of the bot’s wrangler; raise his first, or give the bot another wrangler',
  })
}
