import { createBreaker } from './breaker.ts'
import type { VaultContext } from './context.ts'
import { freshToken, type AskedToken, type FreshToken } from './fresh-token.ts'
import { createTokenAges } from './token-ages.ts'

/** The tokens that are kept of other servers. */
export type Vault = {
  readonly freshToken: (asked: AskedToken) => Promise<FreshToken>
  /** Waits for the renewals under way: what a provider has answered must be stored. */
  readonly close: () => Promise<void>
}

export function createVault(context: VaultContext): Vault {
  const renewals = new Map<string, Promise<void>>()
  const memory = {
    ages: createTokenAges(context.clock),
    breaker: createBreaker(context.clock, () => (context.random.bytes(1)[0] ?? 0) / 256),
    renewals,
  }
  return {
    freshToken: (asked) => freshToken({ ...context, ...memory }, asked),
    close: async () => {
      await Promise.allSettled(renewals.values())
    },
  }
}
