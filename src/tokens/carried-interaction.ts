import { decodeBase64url, decodeUtf8, encodeBase64url } from '../crypto/encoding.ts'
import type { Random } from '../crypto/random.ts'
import { openOnce, sealOnce } from '../crypto/seal.ts'
import type { Interaction } from '../domain/interaction.ts'
import type { TokenKeys } from './keys-view.ts'

const kind = 'interaction'
const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,1472})$/
/** It stands in links too, and a page that offers several ways to sign in holds it once for each. */
const longestCarried = 1_536

/**
 * `<key id>.<sealed interaction>`: a waiting request that its own page carries, so that nobody fills the store by asking.
 * Sealed, because a page repeats nobody's words (J15). Nothing, if it is too long for that.
 */
export function sealInteraction(keys: TokenKeys, interaction: Interaction, random: Random): string | undefined {
  const { keyId, key } = keys.secret('cookie')
  const sealed = sealOnce(key, { kind, associated: `${kind}.${keyId}`, plaintext: JSON.stringify(interaction) }, random)
  const text = `${keyId}.${encodeBase64url(sealed)}`
  return text.length > longestCarried ? undefined : text
}

/** What was sealed, or undefined for every text that we didn't make. It says for itself for which browser and until when. */
export function openInteraction(keys: Pick<TokenKeys, 'secretById'>, text: string): Interaction | undefined {
  if (text.length > longestCarried) return undefined
  const [, keyId, encoded] = shape.exec(text) ?? []
  if (keyId === undefined || encoded === undefined) return undefined
  const bytes = decodeBase64url(encoded)
  const secret = keys.secretById('cookie', keyId)
  if (bytes === undefined || secret === undefined) return undefined
  const plaintext = openOnce(secret.key, { kind, associated: `${kind}.${keyId}`, bytes })
  const json = plaintext === undefined ? undefined : decodeUtf8(plaintext)
  if (json === undefined) return undefined
  // Only we could have written it; a newer program may have, in another version.
  const interaction = JSON.parse(json) as Interaction
  return interaction.v === 1 ? interaction : undefined
}
