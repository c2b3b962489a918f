import { fenceStore, type FenceContext } from '../store/fence-store.ts'
import type { OpenStore } from '../store/port.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { refuseNewer } from '../store/refuse-newer.ts'
import { leaveToOthers } from './post.ts'

/** FLT-11: fence a store whose database moved, before anybody uses it; where events go to a sink, a server delivers this one too. */
export async function fenceMoved(
  bare: OpenStore,
  system: Pick<FenceContext, 'clock' | 'random'>,
  { sink }: { readonly sink: boolean },
): Promise<void> {
  const { clock, random } = system
  const instance = await readAlive(bare.store, ref('instance', 'self'), clock.seconds())
  clock.notBefore?.(instance?.highWaterAt ?? 0)
  const begunAt = clock.millis()
  // FLT-26: bare of this refusal, too.
  const context = { store: refuseNewer(bare.store), clock, random }
  await fenceStore(bare, context)
  if (sink) await leaveToOthers(context, random.id(begunAt), begunAt)
}
