import { findUserOfIdentity } from '../accounts/find-identity.ts'
import { recordRefusal } from '../audit/refusals.ts'
import type { SiteLoginProvider } from '../config/provider.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { outlivesBrowser } from '../domain/session-state.ts'
import type { SiteLoginProblem } from '../pages/site-login-page.ts'
import { refuse } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { normaliseUsername } from '../protocol/username.ts'
import type { Seconds } from '../protocol/time.ts'
import { errandOf } from '../signin/destination.ts'
import type { SiteLogin } from '../upstream/site-login.ts'
import type { Core } from './core.ts'
import { goOn } from './go-on.ts'
import { parkNewcomer } from './newcomer.ts'
import { refusalPage } from './presentation.ts'
import { readPageRequest, type PageRequest } from './read-page-request.ts'
import { noSuchProvider, troubled } from './provider-trouble.ts'
import { showSiteLogin } from './show-site-login.ts'

const longestUsername = 200
const longestPassword = 1024

/** What the page of a site-login sends: name and password go to the site once, and stay nowhere here. */
export function createSiteLoginEndpoint(core: Core): Endpoint {
  return async (http) => {
    const provider = core.upstream.providers.get(http.params['provider'] ?? '')
    if (provider?.kind !== 'site-login' || provider.signIn === 'off')
      return refusalPage(core, { ...http, path: '/signin' }, { endpoint: 'site-login', refusal: noSuchProvider })
    const form = await readPageRequest(core, http, 'signin')
    if ('status' in form) return form
    const { parameters } = form
    const username = (parameters.get('username') ?? '').slice(0, longestUsername)
    const password = parameters.get('password') ?? ''
    const sessionLength = lengthOf(provider, parameters.get('session_length'))
    const again = (problem: SiteLoginProblem) =>
      showSiteLogin(core, http, { provider, form, username, sessionLength, problem })
    if (password === '' || password.length > longestPassword) return again({ kind: 'wrong' })

    const normal = normaliseUsername(username)
    const account = `${provider.name}:${typeof normal === 'string' ? normal : username.toLowerCase()}`
    // As for our own passwords: counted before it is tried, so that parallel attempts can't exceed the budget together (H04).
    const reserved = core.limits.reserve('sign-in', [account, http.peer.address])
    if ('retryAfterSeconds' in reserved) return again({ kind: 'throttled', retryAfter: reserved.retryAfterSeconds })
    const login = await core.upstream.login(provider, { username, password, sessionLength })
    // What the site didn't judge is nobody's mistake.
    if (login.kind === 'done' || login.kind === 'unavailable') reserved.forgive()
    if (login.kind !== 'done') return failed(core, http, { provider, kind: login.kind, again })
    return enter(core, http, { provider, form, login, sessionLength })
  }
}

async function failed(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: SiteLoginProvider
    readonly kind: 'wrong' | 'locked' | 'unavailable'
    readonly again: (problem: SiteLoginProblem) => HttpResponse
  },
): Promise<HttpResponse> {
  const { provider, kind, again } = about
  const reason = ({ wrong: 'password_wrong', locked: 'user_locked', unavailable: 'upstream_unavailable' } as const)[
    kind
  ]
  const { address } = http.peer
  core.observer.refused('site-login', refuse('access_denied', reason), { address, reference: provider.name })
  if (kind !== 'unavailable')
    await recordRefusal(core, { type: 'signin.failed', address, reason, target: provider.name })
  return again({ kind })
}

/** Login or create, as with every provider; what the site gave is kept for exchange, sealed, and stands in no token of ours. */
async function enter(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: SiteLoginProvider
    readonly form: PageRequest
    readonly login: Extract<SiteLogin, { kind: 'done' }>
    readonly sessionLength: Seconds | undefined
  },
): Promise<HttpResponse> {
  const { provider, form, login, sessionLength } = about
  const { identity, credential } = login
  const errand = errandOf(core, form)
  const purpose = { for: 'sign-in', ...errand } as const
  const user = await findUserOfIdentity(core, identity)
  const proof = { amr: ['pwd'], acr: 'pwd', lasts: sessionLength }
  if (user === undefined) {
    if (provider.signIn === 'create')
      return parkNewcomer(core, http, { provider, identity, errand, ...proof, credential })
    return troubled(core, http, { provider, purpose, trouble: { kind: 'unknown' } })
  }
  if (user.locked) return troubled(core, http, { provider, purpose, trouble: { kind: 'locked' } })
  await core.upstream.keep({
    instance: await core.directory.instance(),
    userId: user.userId,
    provider: provider.name,
    account: identity.subject,
    credential,
    lasts: sessionLength ?? lifetimes.sessionAbsolute,
  })
  const persistent = outlivesBrowser(sessionLength)
  return goOn(core, http, { proof: { user, persistent, ...proof, previous: form.signedIn }, errand })
}

/** Only what the provider's entry offers (policy); the first, if nothing was chosen. */
function lengthOf(provider: SiteLoginProvider, text: string | undefined): Seconds | undefined {
  return provider.sessionLengths.find((seconds) => String(seconds) === text) ?? provider.sessionLengths[0]
}
