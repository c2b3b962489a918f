import type { Outbound } from '../../../src/outbound/create-outbound.ts'
import { OutboundFailed } from '../../../src/outbound/outbound-failed.ts'
import type { Dice } from '../dice.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import type { Sent } from './known.ts'
import type { VaultModel } from './model.ts'
import { answer, type Provider } from './provider.ts'

/** What goes wrong between a node and the provider; chances. */
export type Roads = {
  /** Nothing leaves. */
  unreachable: number
  /** It is done, and nobody hears of it. */
  lostAnswer: number
  /** It is done when nobody waits any more. */
  late: number
  /** 503, and nothing was done. */
  busy: number
  /** 500, and it was done. */
  failing: number
  /** It takes many turns. */
  slow: number
}

const host = 'provider.example'
/** As the guarded client has it. */
const deadlineMillis = 5_000

/** The guarded client of one node, whose every way leads to the simulated provider. */
export function createWire(context: {
  readonly owner: Owner
  readonly network: Owner
  readonly scheduler: Scheduler
  readonly dice: Dice
  readonly roads: Roads
  readonly provider: Provider<Sent>
  readonly model: VaultModel
}): Outbound {
  const { owner, network, scheduler, dice, roads, provider, model } = context

  const travel = async (): Promise<void> => {
    await scheduler.park(network)
    while (dice.chance(roads.slow)) await scheduler.park(network)
  }
  const wait = (millis: number): Promise<void> =>
    new Promise((resolve) => void scheduler.later(network, resolve, millis))

  return {
    open: () => Promise.reject(new OutboundFailed('unreachable', host)),
    fetch: ({ body }) =>
      new Promise((resolve, reject) => {
        const form = new URLSearchParams(typeof body === 'string' ? body : '')
        const refresh = form.get('refresh_token')
        if (dice.chance(roads.unreachable)) {
          reject(new OutboundFailed('unreachable', host))
          return
        }
        const sent = refresh === null ? undefined : model.sent(owner, refresh)
        const act = () =>
          refresh === null || sent === undefined
            ? provider.revoke(form.get('token') ?? '')
            : provider.refresh(refresh, sent)
        let isOver = false
        const cancel = scheduler.later(
          owner,
          () => hear('nothing', () => reject(new OutboundFailed('timeout', host))),
          deadlineMillis,
        )
        const hear = (what: 'answer' | 'nothing', tell: () => void): void => {
          if (isOver || model.isDead(owner)) return
          isOver = true
          cancel()
          if (sent !== undefined) model.heard(sent, what)
          tell()
        }
        const go = async (): Promise<void> => {
          await travel()
          if (dice.chance(roads.late)) await wait(deadlineMillis + dice.below(20_000))
          if (dice.chance(roads.busy)) {
            hear('answer', () => resolve(answer(503, {})))
            return
          }
          const came = act()
          await travel()
          if (dice.chance(roads.lostAnswer)) return
          if (dice.chance(roads.failing)) hear('nothing', () => resolve(answer(500, {})))
          else hear('answer', () => resolve(came))
        }
        // What the model has to say, it has said.
        go().catch(reject)
      }),
  }
}
