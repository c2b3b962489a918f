import { recordRefusal } from '../audit/refusals.ts'
import type { SiteLoginProvider } from '../config/provider.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import type { SiteLoginProblem } from '../pages/site-login-page.ts'
import { refuse } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Seconds } from '../protocol/time.ts'
import { normaliseUsername } from '../protocol/username.ts'
import type { SiteLogin } from '../upstream/site-login.ts'
import type { Core } from './core.ts'
import type { PageRequest } from './read-page-request.ts'
import { showSiteLogin, type SiteLoginAim } from './show-site-login.ts'

const longestUsername = 200
const longestPassword = 1024

/** Somebody is who he says he is, at the site. */
export type SiteProof = {
  readonly login: Extract<SiteLogin, { kind: 'done' }>
  readonly sessionLength: Seconds | undefined
}

/**
 * What the page of a site-login sent: name and password go to the site once, and stay nowhere here. The page again, if they don't
 * open it.
 */
export async function trySiteLogin(
  core: Core,
  http: HttpRequest,
  about: { readonly provider: SiteLoginProvider; readonly form: PageRequest; readonly aim: SiteLoginAim },
): Promise<SiteProof | HttpResponse> {
  const { provider, form } = about
  const { parameters } = form
  const username = (parameters.get('username') ?? '').slice(0, longestUsername)
  const password = parameters.get('password') ?? ''
  const sessionLength = lengthOf(provider, parameters.get('session_length'))
  const again = (problem: SiteLoginProblem) => showSiteLogin(core, http, { ...about, username, sessionLength, problem })
  if (password === '' || password.length > longestPassword) return again({ kind: 'wrong' })

  const normal = normaliseUsername(username)
  const account = `${provider.name}:${typeof normal === 'string' ? normal : username.toLowerCase()}`
  const { address } = http.peer
  // As for our own passwords: counted before it is tried, so that parallel attempts can't exceed the budget together (H04).
  const reserved = core.limits.reserve('sign-in', [account, address])
  if ('retryAfterSeconds' in reserved) return again({ kind: 'throttled', retryAfter: reserved.retryAfterSeconds })
  const login = await core.upstream.login(provider, { username, password, sessionLength })
  // What the site didn't judge is nobody's mistake.
  if (login.kind === 'done' || login.kind === 'unavailable') reserved.forgive()
  if (login.kind === 'done') return { login, sessionLength }
  const reason = reasons[login.kind]
  core.observer.refused('site-login', refuse('access_denied', reason), { address, reference: provider.name })
  if (login.kind !== 'unavailable')
    await recordRefusal(core, { type: 'signin.failed', address, reason, target: provider.name })
  return again({ kind: login.kind })
}

const reasons = { wrong: 'password_wrong', locked: 'user_locked', unavailable: 'upstream_unavailable' } as const

/** What the site gave is kept for exchange, sealed, and stands in no token of ours. */
export async function keepSiteCredential(
  core: Core,
  userId: string,
  { provider, proof }: { readonly provider: SiteLoginProvider; readonly proof: SiteProof },
): Promise<void> {
  const { identity, credential } = proof.login
  await core.upstream.keep({
    instance: await core.directory.instance(),
    userId,
    provider: provider.name,
    account: identity.subject,
    credential,
    lasts: proof.sessionLength ?? lifetimes.sessionAbsolute,
  })
}

/** Only what the provider's entry offers (policy); the first, if nothing was chosen. */
function lengthOf(provider: SiteLoginProvider, text: string | undefined): Seconds | undefined {
  return provider.sessionLengths.find((seconds) => String(seconds) === text) ?? provider.sessionLengths[0]
}
