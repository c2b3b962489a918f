import type { Outcome, PasswordsContext } from '../accounts/context.ts'
import { createUser } from '../accounts/create-user.ts'
import { identitiesOf } from '../accounts/find-identity.ts'
import { findUser } from '../accounts/find-user.ts'
import { linkIdentity } from '../accounts/link-identity.ts'
import type { User } from '../domain/user.ts'
import type { BroughtAccount } from './brought-account.ts'
import { CliFailure } from './failure.ts'

const actor = { kind: 'cli' } as const

/**
 * Accounts with the ids that they bring along. Bots come last, since each needs its wrangler. What is there already is left as it
 * is, so a run that stopped half-way is simply repeated. `differs`: what to do about one that is there and is another.
 */
export async function bringIn(
  context: PasswordsContext,
  accounts: readonly BroughtAccount[],
  differs: (account: BroughtAccount, there: User) => void = () => undefined,
): Promise<{ readonly imported: number; readonly there: number }> {
  let imported = 0
  for (const account of [...accounts.filter(({ bot }) => !bot), ...accounts.filter(({ bot }) => bot)]) {
    const { userId, epoch, locked, passwordHash, identities, ...rest } = account
    const done = <T>(outcome: Outcome<T>): T => {
      if ('done' in outcome) return outcome.done
      const { title, detail = title } = outcome.refused
      throw new CliFailure(`${account.username} can't be imported: ${detail}; ${imported} accounts were, before it`)
    }
    const there = await findUser(context, userId)
    if (there !== undefined) differs(account, there)
    else {
      const brought = { userId, epoch, locked, ...(passwordHash !== undefined && { passwordHash }) }
      done(await createUser(context, actor, { ...rest, brought }))
      imported += 1
    }
    // A run may have ended between the account and its identities; one that was unlinked since, or by a recovery, stays away.
    const untouched = there === undefined || there.updatedAt === there.createdAt
    if (identities.length > 0 && untouched && (await identitiesOf(context, userId)).length === 0)
      for (const identity of identities)
        done(await linkIdentity({ ...context, outbox: undefined }, { actor, userId, identity }))
  }
  return { imported, there: accounts.length - imported }
}
