import { decodeBase64url, decodeUtf8, encodeBase64url } from '../crypto/encoding.ts'
import type { Random } from '../crypto/random.ts'
import { openAtRest, sealAtRest } from '../crypto/seal.ts'
import type { Errand } from '../domain/flow.ts'
import type { Parameters } from '../protocol/parameters.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'

const ownPages =
  /^(?:\/account(?:\/[a-z-]{1,32})?|\/letter\?token=gth_tk_[A-Za-z0-9._-]{1,300}|\/oauth\/discharge\?caveat_id=[A-Za-z0-9._-]{1,1200}|\/vault\/connect\/[A-Za-z0-9._-]{1,1500})$/

/** Where somebody who came by himself was going: a page of his account, the link of a letter, a confirmation or a connection, and nowhere else. */
export function destinationOf(parameters: Parameters): string | undefined {
  const next = parameters.get('next')
  return next !== undefined && ownPages.test(next) ? next : undefined
}

type Sealing = { readonly keys: TokenKeys; readonly random: Random }

/** What a journey is for, as whoever starts it says. */
export function errandOf(
  context: Sealing,
  { interaction, parameters }: { readonly interaction: string | undefined; readonly parameters: Parameters },
): Errand {
  return sealErrand(context, { interaction, next: destinationOf(parameters) })
}

/** What a record of it remembers. Sealed, because the link of a letter is a secret that stands in no record (L17). */
export function sealErrand(
  { keys, random }: Sealing,
  { interaction, next }: { readonly interaction: string | undefined; readonly next: string | undefined },
): Errand {
  if (interaction !== undefined) return { interaction }
  if (next === undefined) return {}
  const { keyId, key } = keys.secret('at-rest')
  const sealed = sealAtRest(key, { place: placeOf(keyId), plaintext: Buffer.from(next, 'utf8') }, random)
  return { next: { sealed: encodeBase64url(sealed), keyId } }
}

/** The page that an errand remembers; none, if its key is gone. */
export function openDestination({ keys }: Pick<Sealing, 'keys'>, { next }: Errand): string | undefined {
  if (next === undefined) return undefined
  const secret = keys.secretById('at-rest', next.keyId)
  const bytes = decodeBase64url(next.sealed)
  if (secret === undefined || bytes === undefined) return undefined
  const text = openAtRest(secret.key, placeOf(next.keyId), bytes)
  return text === undefined ? undefined : decodeUtf8(text)
}

const placeOf = (keyId: string): readonly string[] => ['destination', keyId]
