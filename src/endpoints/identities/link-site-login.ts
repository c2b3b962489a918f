import type { Endpoint } from '../../protocol/http.ts'
import { addIdentity } from './add-identity.ts'
import type { Core } from '../core.ts'
import { refusalPage } from '../presentation.ts'
import { linkingTooOften } from './linking-too-often.ts'
import { noSuchProvider } from './provider-trouble.ts'
import { readPageRequest } from '../read-page-request.ts'
import { recentlyProved } from '../recently-proved.ts'
import { seeOther } from '../respond.ts'
import { showSiteLogin } from './show-site-login.ts'
import { siteOf } from './site-login.ts'
import { keepSiteCredential, trySiteLogin } from './try-site-login.ts'

/** `/account/identities/with/<provider>`: the page that asks for name and password of a site, to add the account there, and its form. */
export function createLinkSiteLoginEndpoint(core: Core): Endpoint {
  return async (http) => {
    const provider = siteOf(core, http)
    if (provider === undefined)
      return refusalPage(core, { ...http, path: '/account' }, { endpoint: 'identities', refusal: noSuchProvider })
    const form = await readPageRequest(core, http, 'identities')
    if ('status' in form) return form
    const signedIn = await recentlyProved(core, form.signedIn, '/account/identities')
    if ('status' in signedIn) return signedIn
    if (http.method !== 'POST') return showSiteLogin(core, http, { provider, form, aim: 'add' })
    const proof = await trySiteLogin(core, http, { provider, form, aim: 'add' })
    if ('status' in proof) return proof
    const busy = linkingTooOften(core, http, signedIn)
    if (busy !== undefined) return busy
    const { identity } = proof.login
    const added = await addIdentity(core, http, { signedIn, provider: provider.name, identity })
    if (added !== 'added') return seeOther(`/account/identities?problem=${added}`)
    await keepSiteCredential(core, signedIn.user.userId, { provider, proof })
    return seeOther('/account/identities')
  }
}
