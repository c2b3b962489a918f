import { identityNameRef } from '../../accounts/identity-refs.ts'
import { suggestUsername } from '../../accounts/suggest-username.ts'
import { welcomeNewcomer } from '../../accounts/welcome-newcomer.ts'
import { signInPolicy, type Provider } from '../../config/provider.ts'
import type { SecretValue } from '../../config/secret-value.ts'
import type { Errand } from '../../domain/flow.ts'
import type { Newcomer } from '../../domain/identity.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import { create, ref } from '../../domain/record.ts'
import type { ProvedAt } from '../../domain/session.ts'
import { outlivesBrowser } from '../../domain/session-state.ts'
import { newcomerPage, type NewcomerView } from '../../pages/newcomer-page.ts'
import { staleInteractionPage } from '../../pages/stale-interaction-page.ts'
import { refuse, throttled } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { browserHash, isOfBrowser, knowBrowser } from '../../signin/browser.ts'
import type { Seconds } from '../../protocol/time.ts'
import { bindForm } from '../../signin/form-guard.ts'
import { readAlive } from '../../store/read-alive.ts'
import { commitNew } from '../../store/transition.ts'
import type { UpstreamIdentity } from '../../upstream/identify.ts'
import type { KeptAt } from '../../upstream/sealed-tokens.ts'
import type { Core } from '../core.ts'
import { goOn } from './go-on.ts'
import { presentationFor, refusalPage, withHeaders } from '../presentation.ts'
import { purposeOf, readPageRequest, type PageRequest } from '../read-page-request.ts'
import { seeOther } from '../respond.ts'

const idShape = /^[0-9A-Za-z_-]{34}$/

/** Somebody has an identity that no account has: remember it for ten minutes, in his browser, while he chooses a name. */
export async function parkNewcomer(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: Provider
    readonly identity: UpstreamIdentity
    readonly errand: Errand
    readonly amr: readonly string[]
    readonly proved?: ProvedAt | undefined
    readonly lasts?: Seconds | undefined
    /** What the site gave. */
    readonly given?: { readonly credential: SecretValue; readonly recallsBefore: number }
  },
): Promise<HttpResponse> {
  const { provider, identity, errand, amr, proved, lasts, given } = about
  const reserved = core.limits.reserve('park', [http.peer.address])
  if ('retryAfterSeconds' in reserved)
    return refusalPage(core, http, { endpoint: 'signup', refusal: throttled(reserved.retryAfterSeconds) })
  const browser = knowBrowser(core, http)
  const id = core.random.id(core.clock.millis())
  const newcomer: Newcomer = {
    v: 1,
    browserHash: browserHash(browser.value),
    provider: provider.name,
    issuer: identity.issuer,
    subject: identity.subject,
    label: identity.label,
    suggestion: await suggestUsername(core, [...identity.suggestions, identity.fullName ?? identity.label]),
    ...(identity.fullName !== undefined && { fullName: identity.fullName }),
    ...(identity.verifiedEmail !== undefined && { email: identity.verifiedEmail }),
    amr,
    ...(proved !== undefined && { proved }),
    ...(lasts !== undefined && { lasts }),
    ...(given !== undefined && {
      credential: {
        ...core.upstream.seal(await placeOf(core, id), { accessToken: given.credential }),
        ...(given.recallsBefore > 0 && { recallsBefore: given.recallsBefore }),
      },
    }),
    errand,
  }
  const expiresAt = core.clock.seconds() + lifetimes.interaction
  await commitNew(core.transition, [create(ref('newcomer', id), newcomer, { owners: [], expiresAt })])
  return seeOther(`/signup?interaction=${id}`, browser.setCookie)
}

async function placeOf(core: Core, id: string): Promise<KeptAt> {
  const { instanceId } = await core.directory.instance()
  return { instanceId, kind: 'newcomer', id, edition: 1 }
}

/** What the site gave him; undefined where it gave nothing, or it was altered here. */
async function credentialOf(core: Core, { id, newcomer }: Found): Promise<SecretValue | undefined | 'unknown_key'> {
  if (newcomer.credential === undefined) return undefined
  const tokens = await core.upstream.unseal(await placeOf(core, id), newcomer.credential)
  if (tokens === 'unknown_key') return tokens
  return tokens === 'unreadable' ? undefined : tokens.accessToken
}

/** It moves from the newcomer's record to the account's. */
async function keepCredential(
  core: Core,
  newcomer: Newcomer,
  kept: { readonly userId: string; readonly credential: SecretValue },
): Promise<void> {
  await core.upstream.keep({
    ...kept,
    provider: newcomer.provider,
    account: newcomer.subject,
    holder: identityNameRef(newcomer.issuer, newcomer.subject),
    recallsBefore: newcomer.credential?.recallsBefore ?? 0,
    lasts: newcomer.lasts ?? lifetimes.sessionAbsolute,
  })
}

/** The page on which a newcomer chooses his name. */
export function createNewcomerPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'signup')
    if ('status' in asked) return asked
    const found = await findNewcomer(core, http, asked)
    if ('status' in found) return found
    return show(core, http, { ...found, signedIn: asked.signedIn, username: found.newcomer.suggestion })
  }
}

/** What that page sends: an account, a session, and on with what he came for. */
export function createNewcomerEndpoint(core: Core): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'signup')
    if ('status' in form) return form
    const found = await findNewcomer(core, http, form)
    if ('status' in found) return found
    const { id, newcomer } = found
    const username = form.parameters.get('username') ?? ''
    // Opened before he is used up: a node that was not told of its key yet would make an account without it.
    const credential = await credentialOf(core, found)
    if (credential === 'unknown_key')
      return refusalPage(core, http, {
        endpoint: 'signup',
        refusal: { ...refuse('temporarily_unavailable', 'connection_key'), retryAfter: 1 },
      })
    const welcomed = await welcomeNewcomer(core, { newcomerId: id, newcomer, username })
    if ('refused' in welcomed) {
      const { field, code } = welcomed.refused
      if (field === 'username')
        return show(core, http, {
          ...found,
          signedIn: form.signedIn,
          username,
          problem: code === 'conflict' ? 'taken' : 'malformed',
        })
      return refusalPage(core, http, {
        endpoint: 'signup',
        refusal: refuse('invalid_request', 'conflict', 'sign in again: that account exists by now'),
      })
    }
    core.limits.forgive('park', [http.peer.address])
    const { userId } = welcomed.done
    if (credential !== undefined) await keepCredential(core, newcomer, { userId, credential })
    const { amr, proved, lasts, errand } = newcomer
    const proof = {
      user: welcomed.done,
      persistent: outlivesBrowser(lasts),
      amr,
      acr: amr[0] ?? 'fed',
      proved,
      lasts,
      previous: form.signedIn,
    }
    return goOn(core, http, { proof, errand })
  }
}

type Found = { readonly id: string; readonly newcomer: Newcomer }

async function findNewcomer(
  core: Core,
  http: HttpRequest,
  { interaction: id }: PageRequest,
): Promise<Found | HttpResponse> {
  const stale = (status: 400 | 403): HttpResponse => staleInteractionPage(presentationFor(core, http), { status })
  if (id === undefined || !idShape.test(id)) return stale(400)
  const newcomer = await readAlive(core.transition.store, ref('newcomer', id), core.clock.seconds())
  if (newcomer === undefined) return stale(400)
  if (!isOfBrowser(core, http, newcomer)) return stale(403)
  // Newcomers may have been shut out since.
  const provider = core.upstream.providers.get(newcomer.provider)
  const welcome = provider !== undefined && signInPolicy(provider, core.usersPolicy()) === 'create'
  return welcome ? { id, newcomer } : stale(400)
}

function show(
  core: Core,
  http: HttpRequest,
  about: Found & Pick<PageRequest, 'signedIn'> & Pick<NewcomerView, 'username' | 'problem'>,
): HttpResponse {
  const { id, newcomer, signedIn, ...rest } = about
  const form = bindForm(core, http, { purpose: purposeOf('signup', id), signedIn })
  const view = newcomerPage(presentationFor(core, http), {
    action: '/signup',
    hidden: [form.field, { name: 'interaction', value: id }],
    provider: core.upstream.providers.get(newcomer.provider)?.title ?? newcomer.provider,
    label: newcomer.label,
    ...rest,
  })
  return withHeaders(view, form.setCookie)
}
