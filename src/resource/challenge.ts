import { bearerChallenge } from '../protocol/challenge.ts'
import { describe, refuse, statusOf, type WireError } from '../protocol/errors.ts'
import type { HeaderLine } from '../protocol/http.ts'
import type { Seconds } from '../protocol/time.ts'

/** The answer to a call that isn't let in. */
export type Refused = {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: string
  /** For the program's own log and tests; absent where nothing was sent. */
  readonly error?: WireError
}

type About = {
  readonly realm: string
  readonly scope?: string | undefined
  readonly signed: boolean
  readonly maxAge?: Seconds | undefined
  readonly acr?: readonly string[] | undefined
}

const reasons = {
  invalid_token: 'token_malformed',
  insufficient_scope: 'scope_not_held',
  insufficient_user_authentication: 'token_malformed',
} as const

/** What RFC 6750 §3, RFC 9470 §3 and RFC 9421 §5.1 say to a call; `undefined`: it brought nothing. */
export function challenge(about: About, error: keyof typeof reasons | 'unsigned' | 'unavailable' | undefined): Refused {
  if (error === 'unavailable') {
    return answer(503, { error: 'temporarily_unavailable', headers: [['retry-after', '5']] })
  }
  const { realm, scope, signed, maxAge, acr } = about
  const wanted: readonly HeaderLine[] = signed
    ? [['accept-signature', 'sig=("@method" "@target-uri" "content-digest");created;nonce;keyid']]
    : []
  // RFC 6750 §3.1: who sent nothing is told what is wanted, and of no error.
  if (error === undefined || error === 'unsigned') {
    const refusal =
      error === undefined ? undefined : refuse('invalid_token', 'signature_malformed', 'the request must be signed')
    return answer(401, {
      error: refusal?.error,
      headers: [['www-authenticate', bearerChallenge(realm, refusal, scope)], ...wanted],
    })
  }
  const refusal = refuse(error, reasons[error])
  const needed = error === 'insufficient_scope' ? scope : undefined
  const steps = [
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
    ...(acr === undefined ? [] : [`acr_values="${acr.join(' ')}"`]),
  ]
  const bearer = [bearerChallenge(realm, refusal, needed), ...steps].join(', ')
  return answer(statusOf(refusal), {
    error: refusal.error,
    headers: [['www-authenticate', bearer], ...wanted],
    description: describe(refusal),
  })
}

function answer(
  status: number,
  {
    error,
    headers,
    description,
  }: { readonly error: WireError | undefined; readonly headers: readonly HeaderLine[]; readonly description?: string },
): Refused {
  return {
    status,
    headers: [['content-type', 'application/json'], ['cache-control', 'no-store'], ...headers],
    body: JSON.stringify({
      ...(error !== undefined && { error }),
      ...(description !== undefined && { error_description: description }),
    }),
    ...(error !== undefined && { error }),
  }
}
