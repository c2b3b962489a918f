import type { OAuthProvider } from '../config/provider.ts'
import type { SecretValue } from '../config/secret-value.ts'
import type { OpenAnswer } from '../outbound/create-outbound.ts'
import { OutboundFailed } from '../outbound/outbound-failed.ts'
import type { HeaderLine, HttpRequest, HttpResponse, Passage } from '../protocol/http.ts'
import type { Clock, Seconds } from '../protocol/time.ts'
import { filledHeaders } from '../upstream/filled-headers.ts'
import type { Upstream } from '../upstream/create-upstream.ts'
import { answerHeaders, redirectHere, type ApiPlace } from './api-answer.ts'
import { apiUrl, requestHeaders } from './api-request.ts'
import type { AskedToken, FreshToken } from './fresh-token.ts'
import { beginUpload, type Upload } from './upload.ts'
import { BodyRefused, spellingsOf, withoutSecrets } from './without-secrets.ts'

export type ApiCall = {
  readonly connection: string
  readonly provider: OAuthProvider & { readonly apiBase: string }
  readonly request: HttpRequest & { readonly passage: Passage }
  /** Below the provider's base, as `isApiPath` lets it through. */
  readonly path: string
  /** Where this server answers for the connection, without a slash at the end. */
  readonly here: string
}

export type ApiOutcome =
  | { readonly outcome: 'answer'; readonly answer: HttpResponse }
  | Exclude<FreshToken, { readonly outcome: 'token' }>
  /** The body is longer than is passed on. */
  | { readonly outcome: 'too_large' }
  /** What no call can be made of. */
  | { readonly outcome: 'malformed' }
  /** The token was renewed, and what was sent is gone: ask again. */
  | { readonly outcome: 'renewed' }
  /** The provider refuses a token that it has only just given, or gave no answer that may be passed on. */
  | { readonly outcome: 'refused' | 'unanswered'; readonly why: string }

export type ApiContext = {
  readonly clock: Pick<Clock, 'seconds'>
  readonly upstream: Pick<Upstream, 'outbound'>
  readonly freshToken: (asked: AskedToken) => Promise<FreshToken>
}

const limits = {
  upload: 16 * 1024 * 1024,
  download: 64 * 1024 * 1024,
  /** All of a call, its bodies included. */
  millis: 60_000,
} as const
/** A token younger than this isn't renewed because an API refuses it: whoever calls must not be able to make us ask again and again (L21). */
const young: Seconds = 60

/**
 * One call of a provider's API with the connection's token, which goes nowhere else. An API that refuses the token makes it renewed,
 * once; what cannot be sent twice is then the caller's to send again.
 */
export async function callApi(context: ApiContext, call: ApiCall): Promise<ApiOutcome> {
  const { request, provider } = call
  const url = apiUrl(provider.apiBase, call.path, request.query)
  if (url === undefined) return { outcome: 'malformed' }
  const signal = AbortSignal.any([request.passage.gone, AbortSignal.timeout(limits.millis)])
  try {
    const upload = await beginUpload(request.passage.upload, limits.upload)
    for (let rejected: number | undefined; ;) {
      const token = await context.freshToken({
        connection: call.connection,
        ...(rejected !== undefined && { rejected }),
      })
      if (token.outcome !== 'token') return token
      const sent = { url, signal, upload, accessToken: token.accessToken }
      const answer = await send(context, call, sent)
      if (answer.status !== 401) return await passOn(call, sent, answer)
      answer.body.destroy()
      const isYoung = context.clock.seconds() - token.connection.issuedAt < young
      if (rejected !== undefined || isYoung) return { outcome: 'refused', why: 'unauthorized' }
      rejected = token.edition
      if ('whole' in upload) continue
      const renewed = await context.freshToken({ connection: call.connection, rejected })
      return renewed.outcome === 'token' ? { outcome: 'renewed' } : renewed
    }
  } catch (error) {
    if (error instanceof OutboundFailed) return { outcome: 'unanswered', why: error.why }
    if (error instanceof BodyRefused)
      return error.why === 'too_large' ? { outcome: 'too_large' } : { outcome: 'unanswered', why: error.why }
    throw error
  }
}

type Sent = {
  readonly url: string
  readonly signal: AbortSignal
  readonly upload: Upload
  readonly accessToken: SecretValue
}

async function send({ upstream }: ApiContext, { request, provider }: ApiCall, sent: Sent): Promise<OpenAnswer> {
  const { upload } = sent
  const body = 'whole' in upload ? upload.whole : upload.once
  const length = 'whole' in upload ? upload.whole?.length : undefined
  return upstream.outbound.open({
    url: sent.url,
    method: request.method,
    headers: requestHeaders(request, {
      ...filledHeaders(provider, provider.apiHeaders),
      ...(length !== undefined && { 'content-length': String(length) }),
      authorization: `Bearer ${sent.accessToken.reveal()}`,
    }),
    ...(body !== undefined && { body }),
    allowInsecure: provider.allowInsecure,
    signal: sent.signal,
  })
}

async function passOn(call: ApiCall, sent: Sent, answer: OpenAnswer): Promise<ApiOutcome> {
  const { provider, here, request } = call
  const { status, headers, body } = answer
  const place: ApiPlace = { apiBase: provider.apiBase, here, provider: provider.name }
  const refused = (why: string): ApiOutcome => {
    body.destroy()
    return { outcome: 'unanswered', why }
  }
  if (status < 200 || status > 599) return refused('status')
  // Nothing was asked to be packed; what is can't be looked through.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return refused('encoding')
  if (Number(headers['content-length'] ?? 0) > limits.download && request.method !== 'HEAD') return refused('too_large')
  const isRedirect = status >= 300 && status < 400 && status !== 304
  const location = isRedirect ? redirectHere(headers['location'], sent.url, place) : undefined
  // F16: a redirect is told to the caller if it stays within the base, and followed by nobody here.
  if (isRedirect && location === undefined) return refused('redirect')

  const secrets = [sent.accessToken.reveal(), provider.sharedSecret?.reveal() ?? '']
    .filter((secret) => secret !== '')
    .flatMap(spellingsOf)
  if (location !== undefined && secrets.some((secret) => location.includes(secret))) return refused('secret')
  const lines = [
    ...answerHeaders(headers, place, secrets),
    ...(location === undefined ? [] : [['location', location] as const]),
  ]
  if (request.method === 'HEAD' || status === 204 || status === 304) {
    body.destroy()
    return { outcome: 'answer', answer: bodiless(request.method, status, lines) }
  }
  const guarded = withoutSecrets(body as AsyncIterable<Uint8Array>, { secrets, most: limits.download })
  // What is wrong from its first piece on is an error of ours, not an answer that breaks off.
  const first = await guarded.next().catch((error: unknown) => {
    throw error instanceof BodyRefused ? error : new BodyRefused('broken')
  })
  const stream = first.done === true ? guarded : startingWith(first.value, guarded)
  return { outcome: 'answer', answer: { status, headers: lines, body: null, stream } }
}

/** One length at most (RFC 9112 §6.3): of HEAD the API's own, which a body of no bytes would contradict; of 204 none. */
function bodiless(method: string, status: number, lines: readonly HeaderLine[]): HttpResponse {
  const headers = status === 204 ? lines.filter(([name]) => name !== 'content-length') : lines
  const isDescribed = method === 'HEAD' && status !== 204 && status !== 304
  return { status, headers, body: null, ...(isDescribed && { stream: nothing() }) }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

async function* startingWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield first
  yield* rest
}
