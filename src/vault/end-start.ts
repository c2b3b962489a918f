import { endUnbegun } from '../domain/connect.ts'
import { ref } from '../domain/record.ts'
import { transition } from '../store/transition.ts'
import { readVaultHandle } from '../tokens/vault-handle.ts'
import type { VaultContext } from './context.ts'

/** End a start by its handle, where nobody has followed its address yet: then nobody will. False: it is over, or more than that. */
export async function endStart(
  { keys, transition: records }: Pick<VaultContext, 'keys' | 'transition'>,
  text: string,
): Promise<boolean> {
  const handle = readVaultHandle(keys, text)
  if (handle?.proved !== true) return false
  return transition(records, { connection: ref('connection', handle.connectionId) }, ({ connection }, now) =>
    endUnbegun(connection, handle, now),
  )
}
