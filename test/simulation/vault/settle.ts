import type { Kind } from '../../../src/domain/record.ts'
import type { OpenStore, OwnedRecord } from '../../../src/store/port.ts'
import type { FreshToken } from '../../../src/vault/fresh-token.ts'
import type { Work } from '../work.ts'
import type { Surroundings, VaultNode } from './node.ts'

/** A program with a connection. */
export type Link = {
  readonly id: string
  readonly account: string
  last: (FreshToken & { readonly outcome: 'token' }) | undefined
  mustRenew: boolean
  over: boolean
}

export type Asking = {
  /** Whether it looks first what the token is worth that it has. Absent: now and then. */
  readonly looks?: true
  /** Undefined: no answer came. */
  readonly heard?: (fresh: FreshToken | undefined) => void
}

/** Longest that a provider is left alone, three times. */
const patienceMillis = 900_000

/**
 * The end of an episode, when all faults are over: each connection gives a token that is good and keeps one to renew it with, or
 * says why not; and what was ended goes back to the provider. False: not in good time.
 */
export async function settle(context: {
  readonly around: Surroundings
  readonly work: Work
  readonly nodes: readonly VaultNode[]
  readonly links: readonly Link[]
  readonly ask: (link: Link, node: VaultNode, asked: Asking) => void
  readonly isOver: () => boolean
  readonly tick: () => void
}): Promise<boolean> {
  const { work, nodes, links, ask, isOver, tick } = context
  const { scheduler, dice, model, provider, opened } = context.around

  /** Lets things go on until `done`; false if that takes longer. */
  async function drive(done: () => boolean, millis: number, stride = 100): Promise<boolean> {
    const until = scheduler.now() + millis
    while (!done() && !isOver()) {
      if (scheduler.waiting() > 0 && dice.chance(0.9)) await scheduler.resume()
      else if (scheduler.now() < until) await scheduler.advance(stride)
      else return false
    }
    return true
  }

  async function settleOne(link: Link): Promise<void> {
    const until = scheduler.now() + patienceMillis
    while (!isOver()) {
      tick()
      const node = dice.pick(nodes)
      if (node === undefined) return
      const answer: { isHeard: boolean; fresh?: FreshToken | undefined } = { isHeard: false }
      const heard = (fresh: FreshToken | undefined): void => void Object.assign(answer, { isHeard: true, fresh })
      ask(link, node, { looks: true, heard })
      model.must(await drive(() => answer.isHeard, 60_000), `INV6: nobody who asks for ${link.id} is answered`)
      const { fresh } = answer
      const isGood = fresh?.outcome === 'token' && provider.takes(fresh.accessToken.reveal())
      if ((isGood && model.isSound(link.id)) || fresh?.outcome === 'needs_reauth' || link.over) return
      model.must(scheduler.now() < until, `INV6: ${link.id} comes to nothing, and nobody says so`)
      await drive(() => false, fresh?.outcome === 'unavailable' ? fresh.retryAfter * 1000 : 1000, 500)
    }
  }

  /** Whether everything was given back in good time. */
  async function isGivenBack(): Promise<boolean> {
    for (let tried = 0; tried < 40; tried += 1) {
      if ((await all(opened, 'revocation')).length === 0) return true
      await drive(() => false, 15_000, 1_000)
    }
    return false
  }

  /** L25: whatever crash left undone of a recall is found again. */
  async function settleRecalls(): Promise<void> {
    const until = scheduler.now() + patienceMillis
    while (!model.isRecallOver() && !isOver()) {
      model.must(scheduler.now() < until, 'L25: what was recalled is not ended, or nobody says so')
      dice.pick(nodes)?.vault.finishRecalls()
      await drive(() => model.isRecallOver(), 5_000)
    }
  }

  await drive(() => work.busy() === 0, 60_000)
  await settleRecalls()
  for (const link of links) await settleOne(link)
  if (!(await isGivenBack())) return false
  // A token that holds is given while it is renewed: the last answer may be on its way into the store.
  await drive(model.isAtRest, 60_000)
  for (const one of model.known()) model.settled(one)
  return true
}

export async function all({ admin }: OpenStore, ...kinds: readonly Kind[]): Promise<readonly OwnedRecord[]> {
  const found: OwnedRecord[] = []
  for await (const record of admin.scan(...kinds)) found.push(record)
  return found
}
