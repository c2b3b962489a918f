import { isHeld } from '../domain/connection.ts'
import { createBreaker } from './breaker.ts'
import type { Trouble, VaultContext, VaultMemory } from './context.ts'
import { disconnect, type Disconnection } from './end-connection.ts'
import { freshToken, type AskedToken, type FreshToken } from './fresh-token.ts'
import { startGiveBack } from './give-back.ts'
import { finishRecalls } from './recall-connections.ts'
import { createUses, type UseContext, type Uses } from './record-uses.ts'
import { createSightings } from './sightings.ts'

/** The tokens that are kept of other servers. */
export type Vault = {
  readonly freshToken: (asked: AskedToken) => Promise<FreshToken>
  /** Ended here at once, given back to the provider as soon as it takes it. False: it was over before. */
  readonly disconnect: (id: string, about: Disconnection) => Promise<boolean>
  /** Write down that its token leaves, or is used. */
  readonly recordUse: Uses['record']
  /** Tell of the uses that were counted instead, where there is room by now. */
  readonly tellUses: () => Promise<void>
  /** Ends what was recalled of whole providers, in the background. */
  readonly finishRecalls: () => void
  /** Waits for the renewals under way: what a provider has answered must be stored. */
  readonly close: () => Promise<void>
}

export function createVault(
  context: VaultContext &
    UseContext & {
      readonly onError: (error: unknown) => void
      readonly onTrouble?: (trouble: Trouble) => void
    },
): Vault {
  const newBreaker = () => createBreaker(context.clock, () => (context.random.bytes(1)[0] ?? 0) / 256)
  const onTrouble = context.onTrouble ?? (() => undefined)
  // A breaker of its own: where nothing can be given back, tokens may be renewed all the same.
  const giveBack = startGiveBack({ ...context, onTrouble, breaker: newBreaker() }, context.onError)
  const memory = {
    sightings: createSightings(context.clock),
    breaker: newBreaker(),
    renewals: new Map(),
    onTrouble,
    giveBack: giveBack.wake,
  } satisfies VaultMemory
  const uses = createUses(context)
  let closed = false
  let finishing: Promise<void> | undefined
  return {
    finishRecalls: () => {
      finishing ??= finishRecalls(context, () => closed)
        .catch(context.onError)
        .finally(() => {
          finishing = undefined
          giveBack.wake()
        })
    },
    recordUse: uses.record,
    tellUses: () => uses.tell(),
    freshToken: (asked) => freshToken({ ...context, ...memory }, asked),
    disconnect: async (id, about) => {
      const { connection } = about
      const ended = await disconnect(context, id, about)
      // L19: put back, it would be older than its end.
      if (ended && isHeld(connection)) memory.sightings.saw(id, connection.edition + 1)
      if (ended) giveBack.wake()
      return ended
    },
    close: async () => {
      closed = true
      await finishing
      await Promise.allSettled(memory.renewals.values())
      await uses.tell('at the end').catch(context.onError)
      await giveBack.close()
    },
  }
}
