import type { CustomFetchOptions } from 'oauth4webapi'
import { parseJsonObject } from '../crypto/strict-json.ts'
import type { OAuthProvider } from '../config/provider.ts'
import type { OutboundAnswer } from '../outbound/create-outbound.ts'
import { parseRetryAfter } from '../protocol/retry-after.ts'
import type { Seconds } from '../protocol/time.ts'
import type { UpstreamContext } from './context.ts'
import { filledHeaders } from './filled-headers.ts'
import { tokenText, visibleText } from './token-text.ts'
import { UpstreamBusy } from './upstream-answer.ts'

/** What oauth4webapi calls in place of `fetch`. */
type Fetch = (url: string, options: CustomFetchOptions<string, unknown>) => Promise<Response>

/**
 * The guarded fetch, with a provider's oddities straightened on the way in: form-encoded answers and errors under status 200 become
 * what RFC 6749 §5 asks for. Throws OutboundFailed and UpstreamBusy.
 */
export function adaptedFetch(context: UpstreamContext, provider: OAuthProvider, what: 'token' | 'document'): Fetch {
  return async (url, { method, headers, body }) => {
    // Everything that oauth4webapi sends is a form.
    // Whoever asks is this server, by its own name, and not the library.
    const { 'user-agent': _library, ...asked } = headers
    const sent = body instanceof URLSearchParams ? body.toString() : undefined
    const answer = await context.outbound.fetch({
      url,
      method,
      headers: what === 'token' ? { ...asked, ...filledHeaders(provider, provider.tokenHeaders) } : asked,
      ...(sent === undefined ? {} : { body: sent }),
      allowInsecure: provider.allowInsecure,
    })
    if (answer.status >= 500 || answer.status === 429)
      throw new UpstreamBusy(answer.status, parseRetryAfter(answer.headers['retry-after'], context.clock.seconds()))
    return what === 'token' ? straightened(provider, answer) : plain(answer.status, answer)
  }
}

function plain(status: number, answer: OutboundAnswer): Response {
  const type = answer.headers['content-type'] ?? 'application/octet-stream'
  // A copy, since a Response wants bytes of their own.
  return new Response(Uint8Array.from(answer.body), { status: asStatus(status), headers: { 'content-type': type } })
}

/** L22: JSON is read so that no two parsers differ about it; what can't be read so is no answer. */
function straightened(provider: OAuthProvider, answer: OutboundAnswer): Response {
  const type = answer.headers['content-type'] ?? ''
  const isForm = provider.tokenResponse === 'form' && /^application\/x-www-form-urlencoded\b/i.test(type)
  const body = isForm ? readForm(answer.body.toString('utf8')) : parseJsonObject(answer.body)
  if (body === undefined || !isTokenAnswer(body)) return plain(answer.status === 200 ? 502 : answer.status, answer)
  const failed = provider.errorInSuccess && answer.status === 200 && typeof body['error'] === 'string'
  // An ID token is looked at where one was asked for; elsewhere it is nothing of ours.
  const { id_token: idToken, expires_in: life, ...told } = body
  // 0 is how some say that there is no end, and never the life of something that was just given: nothing is said then.
  const rest = life === undefined || Number(life) === 0 ? told : { ...told, expires_in: life }
  const kept = provider.kind === 'oidc' && idToken !== undefined ? { ...rest, id_token: idToken } : rest
  return new Response(JSON.stringify(kept), {
    status: failed ? 400 : asStatus(answer.status),
    headers: { 'content-type': 'application/json' },
  })
}

/**
 * What oauth4webapi doesn't look at: a token of another type would be handed out as a bearer's, one with a line break or a letter that
 * no header can hold couldn't be sent or printed, and a life that is none would have it renewed for ever.
 */
function isTokenAnswer(body: Readonly<Record<string, unknown>>): boolean {
  const { access_token: access, refresh_token: refresh, token_type: type, expires_in: life } = body
  const isBearer = typeof type !== 'string' || type.toLowerCase() === 'bearer'
  return isBearer && isLife(life) && !isOtherText(access, tokenText) && !isOtherText(refresh, visibleText)
}

function isOtherText(value: unknown, shape: RegExp): boolean {
  return typeof value === 'string' && !shape.test(value)
}

const longestLife: Seconds = 4_000_000_000

/** RFC 6749 §5.1: seconds; as text where a provider writes them so, and nothing that only begins like a number. */
function isLife(value: unknown): boolean {
  if (value === undefined) return true
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,10}$/.test(value))
  const life = Number(value)
  return isNumber && (life === 0 || (life >= 1 && life <= longestLife))
}

function readForm(text: string): Readonly<Record<string, unknown>> | undefined {
  const pairs = [...new URLSearchParams(text)]
  const names = new Set(pairs.map(([name]) => name))
  return names.size === pairs.length ? Object.fromEntries(pairs) : undefined
}

/** A Response refuses statuses that have no body, or are none. */
function asStatus(status: number): number {
  return status < 200 || status > 599 || [204, 205, 304].includes(status) ? 502 : status
}
