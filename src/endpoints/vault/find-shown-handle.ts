import { isRefusal, throttled, type Refusal } from '../../protocol/errors.ts'
import type { HttpRequest } from '../../protocol/http.ts'
import { findByHandle, readHandle, type FoundByHandle } from '../../vault/pick-up.ts'
import type { Core } from '../core.ts'

/** The connection of a handle that somebody shows. Who makes handles up is held up, and nobody beside him whose handle proves itself. */
export async function findShownHandle(
  core: Core,
  { peer: { address } }: HttpRequest,
  text: string,
): Promise<FoundByHandle | Refusal> {
  const handle = await readHandle(core.keys, text)
  const blocked = handle?.proved === true ? undefined : core.limits.blocked('handle-miss', [address])
  if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)
  const found = await findByHandle(core, handle)
  if (isRefusal(found) && found.reason === 'handle_unknown') core.limits.count('handle-miss', [address])
  return found
}
