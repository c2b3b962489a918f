import { verifyContentDigest } from '../crypto/content-digest.ts'
import { isRefusal } from '../protocol/errors.ts'
import { oneTimeCodeHeader, parseMessageSignature } from '../protocol/message-signature.ts'
import { askJson } from './ask-json.ts'
import type { Caller, NoCaller } from './caller.ts'
import { readAnswer, type AskServer } from './introspect.ts'

/** A signed request as it came in. */
export type SignedCall = {
  readonly method: string
  readonly targetUri: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/**
 * Asks the server who signed a request (RFC 9421). The key never leaves it; the body never leaves us, since its digest is what is
 * signed. Never remembered: each nonce is good for one call.
 */
export function createSignatureCheck(
  urlOf: () => Promise<string | undefined>,
  { fetch, now, resource, authorization }: AskServer,
) {
  return async (call: SignedCall): Promise<Caller | NoCaller> => {
    const { headers, body } = call
    const { 'signature-input': input, signature, 'content-digest': digest } = headers
    const parsed = parseMessageSignature(input ?? '', signature ?? '')
    if (isRefusal(parsed)) return { invalid: 'signature' }
    // RFC 9530 §2: the server sees that the digest was signed, we see that the body fits it.
    if (body.length > 0 && digest === undefined) return { invalid: 'signature' }
    if (digest !== undefined && !verifyContentDigest(digest, body)) return { invalid: 'signature' }
    const url = await urlOf()
    if (url === undefined) return { unavailable: true }
    const sent = ['signature-input', 'signature', 'content-digest', 'authorization', oneTimeCodeHeader]
    const covered = parsed.components.filter((name) => !name.startsWith('@'))
    const answer = await askJson(fetch, url, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({
        resource,
        method: call.method,
        target_uri: call.targetUri,
        headers: JSON.stringify(
          Object.fromEntries([...new Set([...sent, ...covered])].map((name) => [name, headers[name]])),
        ),
      }),
    })
    return answer === undefined
      ? { unavailable: true }
      : readAnswer(answer, { resource, now: now(), provedBy: 'signature' })
  }
}
