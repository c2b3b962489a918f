import { setTimeout as pause } from 'node:timers/promises'
import type { Core } from '../../src/endpoints/core.ts'
import { ref } from '../../src/domain/record.ts'
import { codeFlow } from '../kit/flow.ts'
import { startPostgresPair } from '../kit/postgres-pair.ts'
import { startGatehouse } from '../kit/gatehouse.ts'
import { addressOf } from '../store/postgres-subject.ts'
import { give, presentAll, standingClock, useUp, type Presented } from './replay.ts'

export type Promoted = Presented & {
  /** An account that was made last of all is gone. */
  readonly lost: boolean
  /** How often the store was fenced. */
  readonly fences: number
  /** A refresh token, given after all this to somebody who signed in again. */
  readonly next: string
}

/**
 * FLT-11: what a server gave reaches the standby; what is then used and revoked doesn't, for that long; the primary crashes, the
 * standby takes over under the same server, and everything is presented again. `options` go to the store's address.
 */
export async function replayAfterPromotion(plan: {
  readonly rounds: number
  readonly lagMillis: number
  readonly options?: string
}): Promise<Promoted> {
  const pair = await startPostgresPair({ asynchronous: true })
  const sql = addressOf(pair.address('promotion', plan.options))
  const server = await startGatehouse({ store: { adapter: 'postgres', sql }, clock: standingClock() })
  try {
    const kept = await give(server, plan.rounds)
    await pair.holdBack()
    const since = performance.now()
    const used = await useUp(server, kept)
    const late = await server.makeUser('grace')
    await pause(Math.max(0, plan.lagMillis - (performance.now() - since)))
    await pair.failOver()
    const { core } = server
    await untilReady(core)
    const [account] = await core.transition.store.read([ref('user', late.userId)])
    const replayed = await presentAll(server, kept, used)
    const { tokens } = await codeFlow(server, kept.client, 'ada')
    const fences: string[] = []
    for await (const { value } of core.admin.scan('event'))
      if ('type' in value && value.type === 'instance.fenced') fences.push(value.type)
    return { ...replayed, lost: account === undefined, fences: fences.length, next: tokens.refresh_token }
  } finally {
    await server.close()
    await pair.stop()
  }
}

/** What answers `/readyz` in a server of its own: the store takes writes, and memory may be trusted. */
async function untilReady({ admin, directory }: Core): Promise<void> {
  for (let tried = 0; tried < 600; tried += 1) {
    try {
      await admin.ping()
      await directory.instance()
      return
    } catch {
      await pause(50)
    }
  }
  throw new Error('not ready again')
}
