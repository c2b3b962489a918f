import { encodeBase64url, decodeUtf8 } from '../crypto/encoding.ts'
import type { Macaroon } from '../tokens/macaroon/macaroon.ts'
import { parseMacaroonText } from '../tokens/macaroon-text.ts'

/** What a macaroon says of itself, whoever made it; undefined for anything else. Nothing of it is proved. */
export function macaroonDocument(text: string): Readonly<Record<string, unknown>> | undefined {
  const [root, ...discharges] = parseMacaroonText(text) ?? []
  if (root === undefined) return undefined
  return {
    kind: 'macaroon',
    ...shown(root),
    ...(discharges.length > 0 && { discharges: discharges.map(shown) }),
  }
}

function shown({ location, identifier, caveats, signature }: Macaroon): Readonly<Record<string, unknown>> {
  return {
    location,
    identifier: textOf(identifier),
    caveats: caveats.map((caveat) =>
      caveat.thirdParty === undefined
        ? textOf(caveat.identifier)
        : { third_party: caveat.thirdParty.location, caveat_id: textOf(caveat.identifier) },
    ),
    signature: encodeBase64url(signature),
  }
}

const textOf = (bytes: Uint8Array): string => decodeUtf8(bytes) ?? encodeBase64url(bytes)
