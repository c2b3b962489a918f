import { buckets } from '../domain/bucket.ts'
import type { User } from '../domain/user.ts'
import { listAll } from '../store/list-all.ts'
import type { AccountsContext } from './context.ts'

/** `next`: where to go on, or null at the end. Plain text; whoever hands it out seals it. */
export type UserPage = { readonly users: readonly User[]; readonly next: string | null }

/** Every account there is. */
export async function* allUsers({ transition: { store } }: Pick<AccountsContext, 'transition'>): AsyncGenerator<User> {
  for (const bucket of buckets) for await (const { value } of listAll(store, 'user', bucket)) yield value
}

/** A page of accounts, bucket after bucket, in the order of their ids within each. */
export async function listUsers(
  { transition: { store } }: Pick<AccountsContext, 'transition'>,
  page: { readonly after?: string; readonly limit: number },
): Promise<UserPage> {
  const users: User[] = []
  const from = page.after === undefined ? -1 : page.after.indexOf(':')
  const startBucket = page.after === undefined ? 0 : buckets.indexOf(page.after.slice(0, from))
  let after = page.after === undefined ? '' : page.after.slice(from + 1)
  for (let index = startBucket; index >= 0 && index < buckets.length; index += 1) {
    const bucket = buckets[index] ?? ''
    const found = await store.list('user', bucket, { ...(after !== '' && { after }), limit: page.limit - users.length })
    users.push(...found.records.map((record) => record.value as User))
    if (found.next !== null) return { users, next: `${bucket}:${found.next}` }
    after = ''
    if (users.length === page.limit)
      return { users, next: index + 1 < buckets.length ? `${buckets[index + 1]}:` : null }
  }
  return { users, next: null }
}
