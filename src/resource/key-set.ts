import { importPublicJwk } from '../crypto/jwk.ts'
import type { VerificationKey } from '../crypto/jws.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { askJson, type Fetch } from './ask-json.ts'

/** After this time the set is read again, so that a key that was withdrawn stops verifying. */
const freshSeconds: Seconds = 600
/** While the server doesn't answer, what is known goes on for this long. */
const patienceSeconds: Seconds = 3_600
/** One look for a key id that isn't there: a stranger who invents ids must not make us ask for each. */
const unknownEverySeconds: Seconds = 60
const retrySeconds: Seconds = 5

export type KeySet = {
  /** The key with this id; undefined if the server has none; 'unavailable' if nobody could say. */
  readonly key: (keyId: string) => Promise<VerificationKey | 'unavailable' | undefined>
}

type Held = { readonly keys: ReadonlyMap<string, VerificationKey>; readonly readAt: EpochSeconds }

/** The server's public keys (RFC 7517 §5), in memory. */
export function createKeySet(
  urlOf: () => Promise<string | undefined>,
  source: { readonly fetch: Fetch; readonly now: () => EpochSeconds },
): KeySet {
  let held: Held | undefined
  let reading: Promise<void> | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let lookedForUnknownAt = Number.NEGATIVE_INFINITY

  async function read(): Promise<void> {
    triedAt = source.now()
    const url = await urlOf()
    const document = url === undefined ? undefined : await askJson(source.fetch, url)
    const keys: unknown = document?.['keys']
    if (!Array.isArray(keys)) return
    const found = new Map<string, VerificationKey>()
    for (const jwk of keys as unknown[]) {
      const key = importPublicJwk(jwk)
      // A key of a kind that this version doesn't know is none; the others stay good.
      if (!('refused' in key) && key.keyId !== undefined) found.set(key.keyId, earlier(key.keyId, key))
    }
    held = { keys: found, readAt: source.now() }
  }

  /** The same object for the same key: what was proved under it stays proved. */
  function earlier(keyId: string, key: VerificationKey): VerificationKey {
    const before = held?.keys.get(keyId)
    return before?.publicKey.equals(key.publicKey) === true ? before : key
  }

  const refresh = (): Promise<void> =>
    (reading ??= read().finally(() => {
      reading = undefined
    }))

  return {
    key: async (keyId) => {
      const now = source.now()
      if (held === undefined || now - held.readAt > freshSeconds) {
        if (now - triedAt >= retrySeconds || reading !== undefined) await refresh()
      }
      if (held === undefined || now - held.readAt > patienceSeconds) return 'unavailable'
      const known = held.keys.get(keyId)
      if (known !== undefined || now - lookedForUnknownAt < unknownEverySeconds) return known
      // A rotation needs nothing here: the first token of a new key finds it.
      lookedForUnknownAt = now
      await refresh()
      return held.keys.get(keyId)
    },
  }
}
