import { identityNameRef, identityRef } from '../../accounts/identity-refs.ts'
import { recordRefusal } from '../../audit/refusals.ts'
import type { SiteLoginProvider } from '../../config/provider.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import { recallsOf } from '../../domain/recall.ts'
import type { SiteLoginAim, SiteLoginProblem } from '../../pages/site-login-page.ts'
import { refuse } from '../../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import type { Seconds } from '../../protocol/time.ts'
import { normaliseUsername } from '../../protocol/username.ts'
import { readKnownDevices, type KnownDevice } from '../../signin/known-devices.ts'
import { raiseAlarm } from '../../signin/raise-alarm.ts'
import { readAlive } from '../../store/read-alive.ts'
import type { SiteLogin } from '../../upstream/site-login.ts'
import type { Core } from '../core.ts'
import type { PageRequest } from '../read-page-request.ts'
import { showSiteLogin } from './show-site-login.ts'

const longestUsername = 200
const longestPassword = 1024

/** Somebody is who he says he is, at the site. */
export type SiteProof = {
  readonly login: Extract<SiteLogin, { kind: 'done' }>
  readonly sessionLength: Seconds | undefined
  /** How many recalls of the site there had been when it was asked. */
  readonly recallsBefore: number
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

  const account = accountAt(provider, username)
  const { address } = http.peer
  const device = await deviceFor(core, http, { provider, account })
  // As for our own passwords: counted before it is tried, so that parallel attempts can't exceed the budget together (H04).
  const reserved =
    device === undefined
      ? core.limits.reserve('sign-in', [account, address])
      : core.limits.reserve('site-login-known', [account, device.nonce, address])
  if ('retryAfterSeconds' in reserved) {
    if (reserved.everybody) await raiseAlarm(core)
    return again({ kind: 'throttled', retryAfter: reserved.retryAfterSeconds })
  }
  const recallsBefore = recallsOf(await core.directory.instance(), provider.name)
  const login = await core.upstream.login(provider, { username, password, sessionLength })
  // What the site didn't judge is nobody's mistake; an answer that only its entry can't read may be its no to a guess (H03).
  if (login.kind === 'done' || (login.kind === 'unavailable' && login.perhapsNo !== true)) reserved.forgive()
  if (login.kind === 'done') return { login, sessionLength, recallsBefore }
  const reason = reasons[login.kind]
  core.observer.refused('site-login', refuse('access_denied', reason), { address, reference: provider.name })
  if (login.kind !== 'unavailable')
    await recordRefusal(core, { type: 'signin.failed', address, reason, target: provider.name })
  return again({ kind: login.kind })
}

const reasons = { wrong: 'password_wrong', locked: 'user_locked', unavailable: 'upstream_unavailable' } as const

/** What guesses are counted by: one account there, whatever way its name is written (H05). */
function accountAt({ name }: SiteLoginProvider, username: string): string {
  const normal = normaliseUsername(username)
  return `${name}:${typeof normal === 'string' ? normal : username.toLowerCase()}`
}

/** The browser, if it is known for who is called so there: strangers' guesses count for nothing in it (docs/decisions/0011). */
async function deviceFor(
  core: Core,
  http: HttpRequest,
  { provider, account }: { readonly provider: SiteLoginProvider; readonly account: string },
): Promise<KnownDevice | undefined> {
  for (const device of readKnownDevices(core, http)) {
    const place = identityRef(device.userId, provider.name)
    const identity = await readAlive(core.transition.store, place, core.clock.seconds())
    if (identity !== undefined && accountAt(provider, identity.label) === account) return device
  }
  return undefined
}

/** What the site gave is kept for exchange, sealed, and stands in no token of ours. */
export async function keepSiteCredential(
  core: Core,
  userId: string,
  { provider, proof }: { readonly provider: SiteLoginProvider; readonly proof: SiteProof },
): Promise<void> {
  const { identity, credential } = proof.login
  await core.upstream.keep({
    userId,
    provider: provider.name,
    account: identity.subject,
    holder: identityNameRef(identity.issuer, identity.subject),
    recallsBefore: proof.recallsBefore,
    credential,
    lasts: proof.sessionLength ?? lifetimes.sessionAbsolute,
  })
}

/** Only what the provider's entry offers (policy); the first, if nothing was chosen. */
function lengthOf(provider: SiteLoginProvider, text: string | undefined): Seconds | undefined {
  return provider.sessionLengths.find((seconds) => String(seconds) === text) ?? provider.sessionLengths[0]
}
