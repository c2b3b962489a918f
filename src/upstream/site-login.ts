import { parseJsonObject } from '../crypto/strict-json.ts'
import type { SaidWhen, SiteLoginProvider } from '../config/provider.ts'
import { secretValue, type SecretValue } from '../config/secret-value.ts'
import type { OutboundAnswer } from '../outbound/create-outbound.ts'
import { pointTo } from '../protocol/json-pointer.ts'
import type { Seconds } from '../protocol/time.ts'
import type { UpstreamContext } from './context.ts'
import type { UpstreamIdentity } from './identify.ts'
import { repairClaims } from './repair-claims.ts'
import { visibleText } from './token-text.ts'
import { asUnavailable, readFailure, type UpstreamUnavailable } from './upstream-answer.ts'

/** What a person typed on our page. It goes to the site in one request, and nowhere else. */
export type SiteCredentials = {
  readonly username: string
  readonly password: string
  /** One of the provider's lengths. */
  readonly sessionLength: Seconds | undefined
}

export type SiteLogin =
  | { readonly kind: 'done'; readonly identity: UpstreamIdentity; readonly credential: SecretValue }
  | { readonly kind: 'wrong' | 'locked' }
  | (UpstreamUnavailable & {
      /** It did answer, in words that its entry doesn't know: perhaps a no. */
      readonly perhapsNo?: true
    })

/** Log in at a site whose only interface is a login API, as its entry describes it. Whatever isn't a clear yes or no is "not now". */
export async function siteLogin(
  context: Pick<UpstreamContext, 'outbound'>,
  provider: SiteLoginProvider,
  given: SiteCredentials,
): Promise<SiteLogin> {
  try {
    const login = await context.outbound.fetch({
      url: provider.loginEndpoint,
      method: 'POST',
      ...bodyOf(provider, given),
      allowInsecure: provider.allowInsecure,
    })
    const no = readNo(provider, login)
    if (no !== undefined) return { kind: no }
    const answer = readYes(provider, login)
    const credential = answer?.[provider.tokenField]
    if (answer === undefined || typeof credential !== 'string' || !visibleText.test(credential))
      return { ...unreadable(`status ${login.status}`), ...perhapsNo(login.status) }
    const claims = provider.sessionEndpoint === undefined ? answer : await session(context, provider, credential)
    const identity = claims === undefined ? undefined : identityOf(provider, claims)
    return identity === undefined
      ? unreadable('session')
      : { kind: 'done', identity, credential: secretValue(credential) }
  } catch (error) {
    return asUnavailable(readFailure(error))
  }
}

function bodyOf(provider: SiteLoginProvider, { username, password, sessionLength }: SiteCredentials) {
  const { fields } = provider
  const isTimed = fields.sessionLength !== undefined && sessionLength !== undefined
  const members = {
    [fields.username]: username,
    [fields.password]: password,
    ...(isTimed ? { [fields.sessionLength]: sessionLength } : {}),
  }
  if (provider.request === 'json')
    return {
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(members),
    }
  const form = new URLSearchParams(
    Object.entries(members).map(([name, value]) => [name, String(value)] as [string, string]),
  )
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form.toString(),
  }
}

/** Whose credential it is, by the site's own word. */
async function session(context: Pick<UpstreamContext, 'outbound'>, provider: SiteLoginProvider, credential: string) {
  const answer = await context.outbound.fetch({
    url: provider.sessionEndpoint ?? '',
    headers: { authorization: `Bearer ${credential}`, accept: 'application/json' },
    allowInsecure: provider.allowInsecure,
  })
  return readYes(provider, answer)
}

function readYes({ claims }: SiteLoginProvider, { status, body }: OutboundAnswer) {
  const said = status === 200 || status === 201 ? parseJsonObject(body) : undefined
  return said && repairClaims(said, claims)
}

/** By what the answer says where the entry knows that, then by its status; a locked account first, whose password may be right. */
function readNo(provider: SiteLoginProvider, { status, body }: OutboundAnswer): 'locked' | 'wrong' | undefined {
  const { lockedWhen, wrongWhen, lockedStatuses, wrongStatuses } = provider
  const said = lockedWhen === undefined && wrongWhen === undefined ? undefined : parseJsonObject(body)
  const says = (when: SaidWhen | undefined): boolean =>
    when !== undefined && said !== undefined && when.is.some((value) => pointTo(said, when.at) === value)
  if (says(lockedWhen)) return 'locked'
  if (says(wrongWhen)) return 'wrong'
  if (lockedStatuses.includes(status)) return 'locked'
  return wrongStatuses.includes(status) ? 'wrong' : undefined
}

function unreadable(why: string): UpstreamUnavailable {
  return { kind: 'unavailable', reason: 'upstream_malformed', why }
}

/** RFC 9110 §15.6, RFC 6585 §4: these judge nobody; whatever else can't be read may. */
const perhapsNo = (status: number) => (status >= 500 || status === 429 ? {} : ({ perhapsNo: true } as const))

function identityOf(
  provider: SiteLoginProvider,
  claims: Readonly<Record<string, unknown>>,
): UpstreamIdentity | undefined {
  const subject = claims[provider.subjectClaim]
  if (typeof subject !== 'string' || subject === '' || subject.length > 255) return undefined
  const name = claims[provider.usernameClaim]
  const label = typeof name === 'string' && name.trim() !== '' && name.length <= 200 ? name.trim() : subject
  return { issuer: provider.issuer, subject, label, suggestions: [label] }
}
