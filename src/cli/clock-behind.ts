import { ref } from '../domain/record.ts'
import type { Seconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import type { Local } from './local.ts'

/** How far this machine's clock stands before what the store has seen, whether or not time could go on from there. */
export async function clockBehind({ store, clock }: Pick<Local, 'store' | 'clock'>): Promise<Seconds> {
  const instance = await readAlive(store, ref('instance', 'self'), clock.seconds())
  const unseen = instance === undefined ? 0 : instance.highWaterAt - clock.seconds()
  return Math.max(clock.aheadOfWall?.() ?? 0, unseen)
}

export const setItRight = (behind: Seconds): string =>
  `the clock stands ${behind} seconds before what this store has seen; set it right first`
