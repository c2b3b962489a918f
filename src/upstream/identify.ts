import * as oauth from 'oauth4webapi'
import { parseJsonObject } from '../crypto/strict-json.ts'
import type { OAuthProvider } from '../config/provider.ts'
import { isOrcid } from '../protocol/orcid.ts'
import { filledHeaders } from './filled-headers.ts'
import { clientOf, through } from './client-of.ts'
import type { UpstreamContext } from './context.ts'
import { repairClaims } from './repair-claims.ts'

/** Somebody, as a provider knows him. Only issuer and subject say who he is; the rest is what he may be called. */
export type UpstreamIdentity = {
  readonly issuer: string
  readonly subject: string
  /** What he is called there: for people to read, renamable and reusable. */
  readonly label: string
  readonly suggestions: readonly string[]
  readonly fullName?: string
  /** An address that the provider says it verified. It links nothing (L24). */
  readonly verifiedEmail?: string
}

type Claims = Readonly<Record<string, unknown>>

type Answered = {
  readonly server: oauth.AuthorizationServer
  readonly accessToken: string
  readonly idTokenClaims: Claims | undefined
}

/** Who the tokens belong to; undefined if the provider doesn't say it in the way that its entry promises. Throws as requests do. */
export async function identify(
  context: UpstreamContext,
  provider: OAuthProvider,
  { server, accessToken, idTokenClaims }: Answered,
): Promise<UpstreamIdentity | undefined> {
  const { subject: source } = provider
  if (source.from === 'nowhere') return undefined
  if (source.from === 'token_prefix') return identity(provider, /^(\d{1,20})\./.exec(accessToken)?.[1], {})
  if (source.from === 'id_token') {
    const subject = idTokenClaims?.['sub']
    if (typeof subject !== 'string') return undefined
    // Whoever keeps names out of ID tokens tells them here; whoever refuses is taken at his ID token (ORCID answers 403).
    const more = await userinfoOf(context, provider, { server, accessToken, subject }).catch(() => ({}))
    const claims = await repaired(context, provider, { accessToken, claims: { ...more, ...idTokenClaims } })
    const found = identity(provider, subject, claims)
    return found === undefined ? undefined : { ...found, issuer: server.issuer }
  }
  const said = await read(context, provider, { url: provider.endpoints.userinfo, accessToken })
  if (said === undefined || Array.isArray(said)) return undefined
  const claims = await repaired(context, provider, { accessToken, claims: said })
  const subject = claims[source.claim]
  return identity(provider, typeof subject === 'string' ? subject : undefined, claims)
}

/** With the list of addresses, where a second endpoint has one, and as its entry straightens it all. */
async function repaired(
  context: UpstreamContext,
  provider: OAuthProvider,
  { accessToken, claims }: { readonly accessToken: string; readonly claims: Claims },
): Promise<Claims> {
  const { emails: url } = provider.endpoints
  const emails =
    url === undefined ? undefined : await read(context, provider, { url, accessToken }).catch(() => undefined)
  return repairClaims(url === undefined ? claims : { ...claims, emails }, provider.claims)
}

function identity(provider: OAuthProvider, subject: string | undefined, claims: Claims): UpstreamIdentity | undefined {
  if (subject === undefined || subject === '' || subject.length > 255) return undefined
  if (provider.subjectFormat === 'orcid' && !isOrcid(subject)) return undefined
  const suggestions = provider.usernameClaims.flatMap((name) => shortText(claims[name]) ?? [])
  const fullName = shortText(claims[provider.nameClaim])
  const email = shortText(claims['email'])
  const verified = claims['email_verified'] === true
  return {
    issuer: provider.issuer,
    subject,
    // ORCID shows an iD as its address, never as bare digits, and no name beside it is proved.
    label:
      provider.subjectFormat === 'orcid' ? `${provider.issuer}/${subject}` : (suggestions[0] ?? fullName ?? subject),
    suggestions,
    ...(fullName !== undefined && { fullName }),
    ...(email !== undefined && verified && { verifiedEmail: email }),
  }
}

/** OIDC Core §5.3.4: only with the subject of the ID token. */
async function userinfoOf(
  context: UpstreamContext,
  provider: OAuthProvider,
  { server, accessToken, subject }: Pick<Answered, 'server' | 'accessToken'> & { readonly subject: string },
): Promise<Claims> {
  if (server.userinfo_endpoint === undefined) return {}
  const client = clientOf(provider)
  const response = await oauth.userInfoRequest(server, client, accessToken, through(context, provider, 'document'))
  return oauth.processUserInfoResponse(server, client, subject, response)
}

async function read(
  context: UpstreamContext,
  provider: OAuthProvider,
  { url, accessToken }: { readonly url: string | undefined; readonly accessToken: string },
): Promise<Claims | undefined> {
  if (url === undefined) return undefined
  const headers = {
    ...filledHeaders(provider, provider.apiHeaders),
    accept: 'application/json',
    authorization: `Bearer ${accessToken}`,
  }
  const answer = await context.outbound.fetch({ url, headers, allowInsecure: provider.allowInsecure })
  if (answer.status !== 200) return undefined
  // A list is wrapped, so that the one strict reader reads it too.
  const isList = answer.body.toString('utf8', 0, 1) === '['
  if (!isList) return parseJsonObject(answer.body)
  const wrapped = parseJsonObject(Buffer.concat([Buffer.from('{"list":'), answer.body, Buffer.from('}')]))
  return wrapped?.['list'] as Claims | undefined
}

function shortText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' || text.length > 200 ? undefined : text
}
