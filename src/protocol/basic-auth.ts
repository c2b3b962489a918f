import { refuse, type Refusal } from './errors.ts'
import { decodeFormText } from './parameters.ts'

export type BasicCredentials = { readonly clientId: string; readonly clientSecret: string }

/** Client id and secret at their caps, each octet percent-encoded, in base64. */
const longest = 2_048
const printable = /^[\x20-\x7e]+$/
const prefix = 'Basic '

/**
 * Reads the `Authorization` of a client (RFC 6749 §2.3.1, RFC 7617 §2): id and secret, each form-encoded, then base64 in its one
 * canonical form. Anything that another parser could read otherwise is refused.
 */
export function parseBasicAuthorization(header: string): BasicCredentials | Refusal {
  if (header.length > longest || !header.startsWith(prefix)) return malformed()
  const encoded = header.slice(prefix.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Only the one canonical spelling of these bytes comes back unchanged (RFC 4648 §3.5).
  if (bytes.toString('base64') !== encoded) return malformed()
  const text = bytes.toString('latin1')
  const colon = text.indexOf(':')
  if (colon === -1) return malformed()
  const clientId = decodeFormText(text.slice(0, colon))
  const clientSecret = decodeFormText(text.slice(colon + 1))
  if (!isCredential(clientId) || !isCredential(clientSecret)) return malformed()
  return { clientId, clientSecret }
}

/** RFC 6749 appendix A.1, A.2: printable ASCII; empty ones prove nothing. */
function isCredential(text: string | undefined): text is string {
  return text !== undefined && printable.test(text)
}

function malformed(): Refusal {
  return refuse('invalid_client', 'credentials_malformed')
}
