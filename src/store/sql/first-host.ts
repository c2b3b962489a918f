import type { SqlAddress } from '../../config/sql-address.ts'
import { AttemptFailed } from './attempt-failed.ts'

/** What the first host that lets us in gives. Throws why the last one didn't. */
export async function firstHost<Connection>(
  { hosts }: SqlAddress,
  connectTo: (host: SqlAddress['hosts'][number]) => Promise<Connection>,
): Promise<Connection> {
  let last: unknown = new AttemptFailed('no host', 'none')
  for (const host of hosts) {
    try {
      return await connectTo(host)
    } catch (error) {
      last = error
    }
  }
  throw last
}
