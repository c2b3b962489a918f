import type { Bend } from './node.ts'
import type { Swap } from './swap.ts'

/** Mistakes that somebody might make: put in from outside, or written into the source. The simulation has to find every one of them. */
export type VaultMutant = { readonly name: string; readonly bend?: Bend; readonly swap?: Swap }

export const bent: readonly VaultMutant[] = [
  {
    name: 'a conflict is taken for a commit',
    bend: {
      store: (store) => ({
        ...store,
        commit: async (writes) => {
          await store.commit(writes)
          return 'committed'
        },
      }),
    },
  },
  {
    name: 'a commit that failed is taken for one that happened',
    bend: {
      store: (store) => ({ ...store, commit: (writes) => store.commit(writes).catch(() => 'committed' as const) }),
    },
  },
  {
    name: 'whatever a provider says when it gives nothing is an end',
    bend: {
      upstream: (upstream) => ({
        ...upstream,
        refresh: async (...asked) => {
          const refreshed = await upstream.refresh(...asked)
          return refreshed.kind === 'unavailable' ? { kind: 'denied', why: refreshed.why } : refreshed
        },
      }),
    },
  },
  {
    name: 'an end that a provider says is asked for again and again',
    bend: {
      upstream: (upstream) => ({
        ...upstream,
        refresh: async (...asked) => {
          const refreshed = await upstream.refresh(...asked)
          return refreshed.kind === 'denied'
            ? { ...refreshed, kind: 'unavailable', reason: 'upstream_refused', maybeUsed: true }
            : refreshed
        },
      }),
    },
  },
  {
    name: 'requests that meet at the provider share one answer',
    bend: {
      upstream: (upstream) => {
        let running: ReturnType<typeof upstream.refresh> | undefined
        return {
          ...upstream,
          refresh: (...asked) =>
            (running ??= upstream.refresh(...asked).finally(() => {
              running = undefined
            })),
        }
      },
    },
  },
  { name: 'the monotonic clock goes ten times too fast', bend: { monotonic: (millis) => millis * 10 } },
]

const decisions = 'domain/refresh-connection.ts'
const renewal = 'vault/renew.ts'
const recalls = 'vault/recall-connections.ts'

const written: readonly (VaultMutant & { readonly swap: Swap })[] = [
  {
    name: 'nobody minds another one’s intent',
    swap: { file: decisions, from: 'if (intent !== undefined && !isOver) return', to: 'if (false) return' },
  },
  {
    name: 'an intent is taken over after a tenth of its time',
    swap: { file: renewal, from: 'lifetimes.refreshLease * 1000', to: 'lifetimes.refreshLease * 100' },
  },
  {
    name: 'an intent of a node that died is never taken over',
    swap: { file: renewal, from: '  return attempt\n}', to: '  return undefined\n}' },
  },
  {
    name: 'who takes over is sure of the token',
    swap: { file: decisions, from: '...(isOver && { unsure: true }),', to: '' },
  },
  {
    name: 'a lost answer says nothing of the token',
    swap: { file: decisions, from: '...(failed.maybeUsed && { unsure: true }),', to: '' },
  },
  {
    name: 'what a renewal gave replaces whatever is there',
    swap: { file: decisions, from: '|| connection.edition + 1 !== renewed.edition)', to: ')' },
  },
  {
    name: 'what a renewal gave is not kept, though it is said so',
    swap: {
      file: decisions,
      from: "writes: [replace(slot, kept), event], result: 'kept'",
      to: "writes: [], result: 'kept'",
    },
  },
  {
    name: 'keeping what a renewal gave is tried once',
    swap: { file: renewal, from: 'tried >= longestTrying', to: 'tried >= 1' },
  },
  {
    name: 'the refresh token stays the one that was used up',
    swap: {
      file: renewal,
      from: '{ refreshToken, ...refreshed.tokens }',
      to: '{ ...refreshed.tokens, refreshToken }',
    },
  },
  {
    name: 'what comes after an end is forgotten rather than given back',
    swap: { file: renewal, from: "slot.value !== undefined && slot.value.state !== 'revoked'", to: 'true' },
  },
  {
    name: 'an end is said and not written',
    swap: {
      file: 'vault/end-connection.ts',
      from: 'bound(slot, endConnection(slot, ending(now)))',
      to: '({ writes: [], result: true })',
    },
  },
  {
    name: 'an end leaves nothing that gives the tokens back',
    swap: { file: 'domain/connect.ts', from: "isHeld(value) && value.sealed !== ''", to: 'false' },
  },
  {
    name: 'a connection takes another account’s tokens',
    swap: {
      file: 'domain/connect.ts',
      from: "target.account !== '' && target.account === obtained.account",
      to: 'true',
    },
  },
  {
    name: 'a broken connection gives what it has',
    swap: { file: decisions, from: "if (connection.state === 'needs_reauth') return 'over'", to: '' },
  },
  {
    name: 'a token that is over is given while it is renewed',
    swap: {
      file: decisions,
      from: "if (age >= life - Math.min(margin, life / 10)) return 'now'",
      to: '',
    },
  },
  {
    name: 'a restored connection is what it was',
    swap: { file: 'domain/fence.ts', from: 'connection: fenceConnection,', to: 'connection: returns,' },
  },
  {
    name: 'whoever is told to end waits for no renewal',
    swap: { file: 'vault/create-vault.ts', from: 'await Promise.allSettled(memory.renewals.values())', to: '' },
  },
  {
    name: 'a node that hears of a recall goes on giving tokens',
    swap: {
      file: 'vault/fresh-token.ts',
      from: "if (isRecalled(await context.directory.instance(), connection)) return { outcome: 'revoked' }",
      to: '',
    },
  },
  {
    name: 'a consent that was begun before a recall is kept',
    swap: {
      file: 'domain/connect.ts',
      from: 'instance.value === undefined || isRecalled(instance.value, value)',
      to: 'instance.value === undefined',
    },
  },
  {
    name: 'a recall is finished before all is ended',
    swap: { file: recalls, from: 'await Promise.all(some.map', to: 'void Promise.allSettled(some.map' },
  },
  {
    name: 'a recall is finished by the one before it',
    swap: {
      file: recalls,
      from: 'slot.value === undefined || recallsOf(slot.value, provider) !== recall.count',
      to: 'slot.value === undefined',
    },
  },
  {
    name: 'a recall is never said to be finished',
    swap: {
      file: recalls,
      from: 'writes: [put(slot, after, { expiresAt: null })], result: undefined',
      to: 'writes: [], result: undefined',
    },
  },
  {
    name: 'a recall is said and not written',
    swap: {
      file: recalls,
      from: 'writes: [put(slot, after, { expiresAt: null }), ...trail(now)], result: { done: recall }',
      to: 'writes: [], result: { done: recall }',
    },
  },
]

export const vaultMutants: readonly VaultMutant[] = [...bent, ...written]
