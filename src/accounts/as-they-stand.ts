import { ref, type StoredRecord } from '../domain/record.ts'
import { underWrangler } from '../domain/under-wrangler.ts'
import type { User } from '../domain/user.ts'
import { aliveValue } from '../store/read-alive.ts'
import type { AccountsContext } from './context.ts'

type Look = Pick<AccountsContext, 'clock' | 'transition'>

/** Accounts as they count at each use, for showing: bots under the persons who answer for them, who are read at once. */
export async function asTheyStand({ clock, transition }: Look, users: readonly User[]): Promise<readonly User[]> {
  const ids = [...new Set(users.flatMap(({ wrangler }) => (wrangler === undefined ? [] : [wrangler])))]
  const records = ids.length === 0 ? [] : await transition.store.read(ids.map((id) => ref('user', id)))
  const now = clock.seconds()
  const wranglers = new Map(ids.map((id, index) => [id, aliveValue(records[index] as Read, now)]))
  return users.map((user) => underWrangler(user, wranglers.get(user.wrangler ?? '')))
}

type Read = StoredRecord<'user'> | undefined

/** One of them. */
export async function asItStands(context: Look, user: User): Promise<User> {
  const [standing = user] = await asTheyStand(context, [user])
  return standing
}
