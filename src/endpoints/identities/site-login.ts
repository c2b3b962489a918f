import { findUserOfIdentity } from '../../accounts/find-identity.ts'
import { relabelIdentity } from '../../accounts/relabel-identity.ts'
import { signInPolicy, type SiteLoginProvider } from '../../config/provider.ts'
import { outlivesBrowser } from '../../domain/session-state.ts'
import { signInBar } from '../../domain/sign-in-bar.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { errandOf } from '../../signin/destination.ts'
import type { Core } from '../core.ts'
import { goOn } from './go-on.ts'
import { parkNewcomer } from './newcomer.ts'
import { refusalPage } from '../presentation.ts'
import { readPageRequest, type PageRequest } from '../read-page-request.ts'
import { noSuchProvider, troubled } from './provider-trouble.ts'
import { keepSiteCredential, trySiteLogin, type SiteProof } from './try-site-login.ts'

/** The site of a path, if people come in through it. */
export function siteOf(core: Core, http: HttpRequest): SiteLoginProvider | undefined {
  const provider = core.upstream.providers.get(http.params['provider'] ?? '')
  return provider?.kind === 'site-login' && provider.signIn !== 'off' ? provider : undefined
}

/** What the page of a site-login sends, where it is to sign in. */
export function createSiteLoginEndpoint(core: Core): Endpoint {
  return async (http) => {
    const provider = siteOf(core, http)
    if (provider === undefined)
      return refusalPage(core, { ...http, path: '/signin' }, { endpoint: 'site-login', refusal: noSuchProvider })
    const form = await readPageRequest(core, http, 'signin')
    if ('status' in form) return form
    const proof = await trySiteLogin(core, http, { provider, form, aim: 'sign-in' })
    return 'status' in proof ? proof : enter(core, http, { provider, form, proof })
  }
}

/** Login or create, as with every provider. */
async function enter(
  core: Core,
  http: HttpRequest,
  about: { readonly provider: SiteLoginProvider; readonly form: PageRequest; readonly proof: SiteProof },
): Promise<HttpResponse> {
  const { provider, form, proof } = about
  const { identity, credential } = proof.login
  const given = { credential, recallsBefore: proof.recallsBefore }
  const errand = errandOf(core, form)
  const purpose = { for: 'sign-in', ...errand } as const
  const user = await findUserOfIdentity(core, identity)
  const shown = { amr: ['pwd'], acr: 'pwd', lasts: proof.sessionLength }
  if (user === undefined) {
    if (signInPolicy(provider, core.usersPolicy()) === 'create')
      return parkNewcomer(core, http, { provider, identity, errand, ...shown, given })
    return troubled(core, http, { provider, purpose, trouble: { kind: 'unknown' } })
  }
  const bar = signInBar(user)
  if (bar !== undefined) return troubled(core, http, { provider, purpose, trouble: { kind: bar } })
  await relabelIdentity(core, user.userId, { ...identity, provider: provider.name })
  await keepSiteCredential(core, user.userId, { provider, proof })
  const persistent = outlivesBrowser(proof.sessionLength)
  return goOn(core, http, { proof: { user, persistent, ...shown, previous: form.signedIn }, errand })
}
