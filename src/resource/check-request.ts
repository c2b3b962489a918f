import { parseBearerAuthorization } from '../protocol/bearer.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import type { CaveatContext } from '../tokens/caveat-context.ts'
import { isCaller, type Caller, type NoCaller } from './caller.ts'
import { challenge, type Refused } from './challenge.ts'
import type { SignedCall } from './verify-signature.ts'

/** What a call must bring. */
export type Wants = {
  /** Scopes that it needs, all of them, separated by spaces. */
  readonly scope?: string
  /** Without any proof the call is public; a bad proof is refused all the same. */
  readonly optional?: boolean
  /** It must be signed by its client (RFC 9421). A signature that comes unasked is checked too. */
  readonly signed?: boolean
  /** RFC 9470: seconds since the person signed in, and the authentication contexts that will do. */
  readonly maxAge?: Seconds
  readonly acr?: readonly string[]
  /** What a macaroon's caveat `endpoint` is measured by. */
  readonly endpoint?: string
}

/** A call as every kind of server can describe it. */
export type IncomingCall = {
  readonly method: string
  /** As it was received: path and query. */
  readonly target: string
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Names of headers that came more than once. */
  readonly repeated?: ReadonlySet<string>
  readonly ip?: string | undefined
  /** The bytes as they came. Read only for signed calls. */
  readonly body: () => Promise<Uint8Array> | Uint8Array
}

/** Somebody, nobody (where that may be), or the answer to send. */
export type Verdict = { readonly caller: Caller } | { readonly caller: undefined } | { readonly refused: Refused }

export type Checks = {
  readonly realm: string
  /** Origin under which the API is reached: the first part of every `@target-uri`. */
  readonly origin: string
  readonly now: () => EpochSeconds
  readonly token: (text: string, call: CaveatContext) => Promise<Caller | NoCaller>
  readonly signature: (call: SignedCall) => Promise<Caller | NoCaller>
}

/** The checks of a call in their order: proof, then scope, then how recent the sign-in is. */
export async function checkRequest(checks: Checks, call: IncomingCall, wants: Wants): Promise<Verdict> {
  const { headers } = call
  const needed = wants.scope?.split(' ') ?? []
  const about = { realm: checks.realm, scope: wants.scope, signed: wants.signed === true }
  const no = (error: Parameters<typeof challenge>[1]): Verdict => ({ refused: challenge(about, error) })

  const isSigned = headers['signature-input'] !== undefined || headers['signature'] !== undefined
  const { authorization } = headers
  if (authorization === undefined && !isSigned) return wants.optional === true ? { caller: undefined } : no(undefined)
  if (wants.signed === true && !isSigned) return no('unsigned')
  // RFC 9110 §5.3: neither is a list, so two of them are two answers to one question.
  if (['authorization', 'signature', 'signature-input'].some((name) => call.repeated?.has(name) === true))
    return no('invalid_token')

  const found: (Caller | NoCaller)[] = []
  if (authorization !== undefined) {
    const token = parseBearerAuthorization(authorization)
    found.push(isRefusal(token) ? { invalid: 'token' } : await checks.token(token, contextOf(call, wants)))
  }
  if (isSigned && !found.some((one) => !isCaller(one))) {
    const targetUri = `${checks.origin}${call.target}`
    const signable = Object.fromEntries(Object.entries(headers).filter(([name]) => call.repeated?.has(name) !== true))
    found.push(await checks.signature({ method: call.method, targetUri, headers: signable, body: await call.body() }))
  }
  const callers = found.filter(isCaller)
  const [caller, signer] = callers
  if (caller === undefined || callers.length < found.length)
    return no(found.some((one) => 'unavailable' in one) ? 'unavailable' : 'invalid_token')
  // A token that somebody else signs with is a token that was stolen.
  if (signer !== undefined && signer.clientId !== caller.clientId) return no('invalid_token')
  if (!needed.every((scope) => caller.scope.includes(scope))) return no('insufficient_scope')
  return isRecent(caller, wants, checks.now())
    ? { caller }
    : { refused: challenge({ ...about, maxAge: wants.maxAge, acr: wants.acr }, 'insufficient_user_authentication') }
}

function contextOf({ method, target, ip }: IncomingCall, { endpoint }: Wants): CaveatContext {
  const [path = ''] = target.split('?', 1)
  return { method, path, ...(ip !== undefined && { ip }), ...(endpoint !== undefined && { endpoint }) }
}

/** RFC 9470 §3: a client has no sign-in at all, so what needs a recent one isn't for clients. */
function isRecent({ authTime, acr }: Caller, wants: Wants, now: EpochSeconds): boolean {
  if (wants.maxAge !== undefined && (authTime === undefined || now - authTime > wants.maxAge)) return false
  return wants.acr === undefined || (acr !== undefined && wants.acr.includes(acr))
}
