import { decodeBase64url, decodeUtf8, encodeBase64url } from '../crypto/encoding.ts'
import type { Random } from '../crypto/random.ts'
import { openAtRest, sealAtRest } from '../crypto/seal.ts'
import { secretValue, type SecretValue } from '../config/secret-value.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'

/** What a connection keeps from everybody. */
export type KeptTokens = { readonly accessToken: SecretValue; readonly refreshToken?: SecretValue }

/** Where it is kept. L18, L19: put into another row, one of another kind, or an older one put back into its own, it doesn't open. */
export type KeptAt = {
  readonly instanceId: string
  readonly kind: 'connection' | 'newcomer'
  readonly id: string
  readonly edition: number
}

/** Why what is sealed doesn't open: it was moved, altered or put back; or nobody has told this process the key yet, which says nothing of it. */
export type NotOpened = 'unreadable' | 'unknown_key'

export type SealedTokens = { readonly sealed: string; readonly keyId: string }

export function sealTokens(
  keys: TokenKeys,
  random: Random,
  { at, tokens }: { readonly at: KeptAt; readonly tokens: KeptTokens },
): SealedTokens {
  const { keyId, key } = keys.secret('at-rest')
  const { accessToken, refreshToken } = tokens
  const text = JSON.stringify({
    access: accessToken.reveal(),
    ...(refreshToken !== undefined && { refresh: refreshToken.reveal() }),
  })
  return {
    sealed: encodeBase64url(sealAtRest(key, { place: placeOf(at), plaintext: Buffer.from(text, 'utf8') }, random)),
    keyId,
  }
}

/** The tokens, with the keys that are at hand. `unreadable`: another place, another edition, or altered. */
export function openTokens(keys: TokenKeys, at: KeptAt, { sealed, keyId }: SealedTokens): KeptTokens | NotOpened {
  const secret = keys.secretById('at-rest', keyId)
  if (secret === undefined) return 'unknown_key'
  const bytes = decodeBase64url(sealed)
  const text = bytes === undefined ? undefined : openAtRest(secret.key, placeOf(at), bytes)
  if (text === undefined) return 'unreadable'
  const { access, refresh } = JSON.parse(decodeUtf8(text) ?? '{}') as {
    readonly access: string
    readonly refresh?: string
  }
  return { accessToken: secretValue(access), ...(refresh !== undefined && { refreshToken: secretValue(refresh) }) }
}

function placeOf({ instanceId, kind, id, edition }: KeptAt): readonly string[] {
  return [instanceId, kind, id, String(edition)]
}
