import type { OutboundFailure } from '../outbound/outbound-failed.ts'
import type { UpstreamRefused, UpstreamUnavailable } from './upstream-answer.ts'

const mends: Readonly<Record<OutboundFailure, string> & Record<string, string>> = {
  url: 'its address is none, or holds a user name; write it out',
  address: 'its address is private; for an intranet add allow_insecure: true',
  scheme: 'it is not https; for a test add allow_insecure: true',
  headers: 'a header of its entry, or what it gave, holds what no header can; check token_headers and api_headers',
  unresolved: 'its name has no address; check the spelling and the DNS of this machine',
  unreachable: 'nothing answers there; check host, port and firewall',
  certificate:
    'its certificate does not hold; check the host name and the clock of this machine, and that it speaks TLS there',
  timeout: 'it did not answer within five seconds',
  redirect: 'it answers with a redirect, which is never followed; name the final address',
  encoding: 'it compresses what it was asked not to; look for a proxy in between',
  too_large: 'its answer is longer than 64 KiB; check that the address is not one of a page',
  broken: 'it hung up, or speaks no HTTP; check that scheme and port belong together',
  'status 429': 'it is asked too often; wait, and try again',
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED:
    'its discovery document is of another issuer; write issuer exactly as it does, with or without the last slash',
  OAUTH_RESPONSE_IS_NOT_JSON:
    'it answers with something that is no JSON, most likely a page; name the address of its API',
  OAUTH_PARSE_ERROR: 'it calls its answer JSON, and it is none; look for a proxy or a captive portal in between',
  OAUTH_RESPONSE_IS_NOT_CONFORM: 'there is nothing of this kind: not found, not for us, or a page; check the path',
  OAUTH_INVALID_RESPONSE:
    'its answer lacks what the standard asks for; check that the address belongs to this protocol',
}

/** A sentence for operators: what is wrong, and the mend. Begins with `it` or `its`. */
export function explainFailure(failure: UpstreamUnavailable | UpstreamRefused): string {
  const known = mends[failure.why]
  if (known !== undefined) return known
  if (/^status 5\d\d$/.test(failure.why)) return `it has trouble of its own (${failure.why}); try again later`
  return `it answered with something else than was expected (${failure.why})`
}
