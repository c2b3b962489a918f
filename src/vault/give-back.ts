import { eventWrite } from '../audit/event-write.ts'
import type { Revocation } from '../domain/connection.ts'
import { put, ref, remove, type Decision } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { listAll } from '../store/list-all.ts'
import { transition } from '../store/transition.ts'
import type { VaultContext } from './context.ts'

/** Owner of every errand. */
const errandOwner = '*'
const everyMillis = 15_000
/** Longer than asking takes: meanwhile no other node asks. */
const claimSeconds = 60
const longestPauseSeconds = 6 * 3_600

export type GiveBack = {
  /** Something was ended. */
  readonly wake: () => void
  /** Waits for the request under way; the rest is done by whoever runs next. */
  readonly close: () => Promise<void>
}

/**
 * Gives the tokens of ended connections back to their providers (RFC 7009), at growing intervals until each has answered or
 * the errand is a month old. Several nodes share the errands; each claims one before it asks. What came of it is an event.
 */
export function startGiveBack(context: VaultContext, onFailure: (error: unknown) => void): GiveBack {
  const { transition: store } = context
  let closed = false
  let again = false
  let running: Promise<void> | undefined

  function wake(): void {
    again = true
    running ??= run().finally(() => {
      running = undefined
    })
  }

  async function run(): Promise<void> {
    while (again) {
      again = false
      await giveAll().catch(onFailure)
    }
  }

  async function giveAll(): Promise<void> {
    for await (const { id, value } of listAll(store.store, 'revocation', errandOwner)) {
      if (closed) return
      if (value.nextAt <= context.clock.seconds()) await giveOne(id).catch(onFailure)
    }
  }

  async function giveOne(id: string): Promise<void> {
    const errand = await claim(id)
    if (errand === undefined) return
    const outcome = await give(context, errand)
    if (outcome === 'later') return
    const { connectionId: target, userId } = errand
    const event = eventWrite(context, {
      type: 'connection.given_back',
      target,
      reason: outcome,
      ...(userId !== undefined && { userId }),
    })
    await transition(store, { errand: ref('revocation', id) }, (slots) => ({
      writes: slots.errand.value === undefined ? [] : [...remove(slots.errand), event],
      result: undefined,
    }))
  }

  function claim(id: string): Promise<Revocation | undefined> {
    return transition(store, { errand: ref('revocation', id) }, ({ errand }, now): Decision<Revocation | undefined> => {
      const { value } = errand
      if (value === undefined || value.nextAt > now) return { writes: [], result: undefined }
      const claimed = { ...value, attempts: value.attempts + 1, nextAt: now + pauseOf(value.attempts) }
      return { writes: [put(errand, claimed, { expiresAt: expiryOf(value, now) })], result: claimed }
    })
  }

  const timer = setInterval(wake, everyMillis)
  timer.unref()
  return {
    wake,
    close: async () => {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

const pauseOf = (attempts: number): number => Math.min(longestPauseSeconds, claimSeconds * 2 ** attempts)

/** About a month of trying, whatever the pauses. */
function expiryOf({ attempts }: Revocation, now: EpochSeconds): EpochSeconds {
  return now + Math.max(2 * pauseOf(attempts), (120 - attempts) * longestPauseSeconds)
}

/** Both tokens, the refresh token first: with it most providers end the other too. */
async function give(
  { upstream, directory }: VaultContext,
  errand: Revocation,
): Promise<'done' | 'unsupported' | 'refused' | 'unreadable' | 'later'> {
  const { connectionId, edition } = errand
  const provider = upstream.providers.get(errand.provider)
  if (provider === undefined || provider.kind === 'site-login') return 'unsupported'
  const { instanceId } = await directory.instance()
  const tokens = upstream.unseal({ instanceId, connectionId, edition }, errand)
  if (tokens === undefined) return 'unreadable'
  for (const token of [tokens.refreshToken, tokens.accessToken]) {
    if (token === undefined) continue
    const revoked = await upstream.revoke(provider, token)
    if (revoked.kind === 'unavailable') return 'later'
    if (revoked.kind !== 'done') return revoked.kind
  }
  return 'done'
}
