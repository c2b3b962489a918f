import { decodeBase64url, decodeUtf8, encodeTextBase64url } from '../crypto/encoding.ts'
import { mac, verifyMac } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { TokenKeys } from './keys-view.ts'

/** How long a browser may take to answer, in seconds. */
export const passkeyChallengeLives = 5 * 60

const shape = /^([A-Za-z0-9_-]{1,64})\.(\d{1,12})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/** Where a challenge may be answered from, and what for. */
export type ChallengePlace = {
  /** The value of the browser's cookie; empty where an application asks, whose grant the purpose names. */
  readonly browser: string
  readonly purpose: string
}

/**
 * A challenge (WebAuthn L3 §13.4.3) that proves itself: nothing is stored until it was answered, so showing a page costs no write.
 * `<key id>.<when>.<random>.<MAC over all and the place>`, as base64url once more.
 */
export function printPasskeyChallenge(
  keys: TokenKeys,
  place: ChallengePlace,
  { now, random }: { readonly now: EpochSeconds; readonly random: Random },
): string {
  const { keyId, key } = keys.secret('mac')
  const signed = `${keyId}.${now}.${random.text(16)}`
  return encodeTextBase64url(`${signed}.${mac(key, message(place, signed))}`)
}

/** When it was made; undefined for one that is too old, or that we didn't make for this browser and purpose. */
export function readPasskeyChallenge(
  keys: Pick<TokenKeys, 'secretById'>,
  place: ChallengePlace,
  { text, now }: { readonly text: string; readonly now: EpochSeconds },
): EpochSeconds | undefined {
  const bytes = text.length > 400 ? undefined : decodeBase64url(text)
  const plain = bytes === undefined ? undefined : decodeUtf8(bytes)
  const [, keyId, at, random, claimed] = plain === undefined ? [] : (shape.exec(plain) ?? [])
  const secret = keyId === undefined ? undefined : keys.secretById('mac', keyId)
  if (secret === undefined || claimed === undefined) return undefined
  if (!verifyMac(secret.key, message(place, `${keyId}.${at}.${random}`), claimed)) return undefined
  const madeAt = Number(at)
  return now - madeAt <= passkeyChallengeLives ? madeAt : undefined
}

function message({ browser, purpose }: ChallengePlace, signed: string): string {
  return `passkey\n${browser.length}:${browser}\n${purpose}\n${signed}`
}
