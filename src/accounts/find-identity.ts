import type { Identity } from '../domain/identity.ts'
import type { User } from '../domain/user.ts'
import { listAll } from '../store/list-all.ts'
import { aliveValue, readAlive } from '../store/read-alive.ts'
import type { AccountsContext } from './context.ts'
import { findUser } from './find-user.ts'
import { identityNameRef } from './identity-refs.ts'

type Look = Pick<AccountsContext, 'clock' | 'transition'>

/** Whose identity this is; nobody's, if the account is gone. */
export async function findUserOfIdentity(
  context: Look,
  { issuer, subject }: Pick<Identity, 'issuer' | 'subject'>,
): Promise<User | undefined> {
  const { store } = context.transition
  const name = await readAlive(store, identityNameRef(issuer, subject), context.clock.seconds())
  return name === undefined ? undefined : findUser(context, name.target)
}

/** What an account is elsewhere. */
export async function identitiesOf(context: Look, userId: string): Promise<readonly Identity[]> {
  const found: Identity[] = []
  for await (const record of listAll(context.transition.store, 'identity', userId)) {
    const identity = aliveValue(record, context.clock.seconds())
    if (identity?.userId === userId) found.push(identity)
  }
  return found
}
