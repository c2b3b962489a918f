import type { Connection } from '../domain/connection.ts'
import { createBreaker } from './breaker.ts'
import type { VaultContext, VaultMemory } from './context.ts'
import { disconnect, type EndedBy } from './end-connection.ts'
import { freshToken, type AskedToken, type FreshToken } from './fresh-token.ts'
import { startGiveBack } from './give-back.ts'
import { createTokenAges } from './token-ages.ts'

/** The tokens that are kept of other servers. */
export type Vault = {
  readonly freshToken: (asked: AskedToken) => Promise<FreshToken>
  /** Ended here at once, given back to the provider as soon as it takes it. False: it was over before. */
  readonly disconnect: (id: string, connection: Connection, by: EndedBy) => Promise<boolean>
  /** Waits for the renewals under way: what a provider has answered must be stored. */
  readonly close: () => Promise<void>
}

export function createVault(context: VaultContext & { readonly onError: (error: unknown) => void }): Vault {
  const giveBack = startGiveBack(context, context.onError)
  const memory = {
    ages: createTokenAges(context.clock),
    breaker: createBreaker(context.clock, () => (context.random.bytes(1)[0] ?? 0) / 256),
    renewals: new Map(),
    giveBack: giveBack.wake,
  } satisfies VaultMemory
  return {
    freshToken: (asked) => freshToken({ ...context, ...memory }, asked),
    disconnect: async (id, connection, by) => {
      const ended = await disconnect(context, id, connection, by)
      if (ended) giveBack.wake()
      return ended
    },
    close: async () => {
      await Promise.allSettled(memory.renewals.values())
      await giveBack.close()
    },
  }
}
