import { signOut } from '../accounts/end-session.ts'
import type { Client } from '../domain/client.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { signOutPage } from '../pages/sign-out-page.ts'
import { signedOutPage } from '../pages/signed-out-page.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { parseParameters, refuseRepeated, type Parameters } from '../protocol/parameters.ts'
import { verifyRedirectUri, type RedirectTarget } from '../protocol/redirect-uri.ts'
import { printResponseUrl } from '../protocol/response-url.ts'
import { bindForm, guardForm } from '../signin/form-guard.ts'
import { currentSession, removeSessionCookie } from '../signin/session.ts'
import { verifyIdTokenHint, type IdTokenHint } from '../tokens/id-token.ts'
import type { Core } from './core.ts'
import { presentationFor, refusalPage, withHeaders } from './presentation.ts'
import { seeOther } from './respond.ts'

const purpose = 'sign-out'

/** Who asks to sign out, and where the browser may go afterwards: only what a client registered. */
type Asking = {
  readonly client: Client | undefined
  readonly hint: IdTokenHint | undefined
  readonly back: RedirectTarget | undefined
  readonly state: string | undefined
}

/**
 * RP-Initiated Logout (OIDC RP-Initiated Logout 1.0 §2, §3). An ID token of this very session is proof enough that its own
 * application asks; everybody else gets a question, and the session stays until it is answered (G05).
 */
export function createEndSessionEndpoint(core: Core): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.method === 'POST' ? http.body : http.query)
    if (isRefusal(parameters)) return refusalPage(core, http, { endpoint: 'logout', refusal: parameters })
    const repeated = refuseRepeated(parameters)
    if (repeated !== undefined) return refusalPage(core, http, { endpoint: 'logout', refusal: repeated })
    const asking = await askingOf(core, parameters)
    const signedIn = await currentSession(core, http)
    if (signedIn === undefined) return gone(core, http, { asking, cookies: [] })
    if (asking.hint?.sessionId === signedIn.sessionId && asking.hint.subject === signedIn.user.userId) {
      return gone(core, http, { asking, cookies: await end(core, http, signedIn) })
    }
    const confirmed = parameters.get('confirm') !== undefined && http.method === 'POST'
    if (!confirmed) return ask(core, http, { asking, signedIn, parameters })
    const guarded = guardForm(core, http, { purpose, signedIn, parameters })
    if (guarded !== undefined) return refusalPage(core, http, { endpoint: 'logout', refusal: guarded })
    return gone(core, http, { asking, cookies: await end(core, http, signedIn) })
  }
}

async function askingOf(core: Core, parameters: Parameters): Promise<Asking> {
  const text = parameters.get('id_token_hint')
  const read =
    text === undefined
      ? undefined
      : verifyIdTokenHint(core.keys, text, { issuer: core.issuer, now: core.clock.seconds() })
  const named = parameters.get('client_id')
  const proven = read === undefined || 'refused' in read ? undefined : read
  // §2, §4: a client_id that isn't the hint's audience proves that something is mixed up; then nobody asks, and the hint is none.
  const mixedUp = proven !== undefined && named !== undefined && named !== proven.clientId
  const hint = mixedUp ? undefined : proven
  const clientId = mixedUp ? undefined : (hint?.clientId ?? named)
  const client = clientId === undefined ? undefined : await core.directory.client(clientId)
  const uri = parameters.get('post_logout_redirect_uri')
  const target =
    client === undefined || client.disabled || uri === undefined
      ? undefined
      : verifyRedirectUri(client.postLogoutRedirectUris, uri)
  return {
    client,
    hint,
    back: target === undefined || isRefusal(target) ? undefined : target,
    state: parameters.get('state'),
  }
}

function gone(
  core: Core,
  http: HttpRequest,
  { asking, cookies }: { readonly asking: Asking; readonly cookies: HttpResponse['headers'] },
): HttpResponse {
  const { back, client, state } = asking
  if (back !== undefined && client !== undefined && asking.hint !== undefined) {
    return seeOther(printResponseUrl(back, 'query', state === undefined ? [] : [['state', state]]), cookies)
  }
  // Without a hint anybody could have made this link: the person goes on by himself.
  const view = signedOutPage(presentationFor(core, http), {
    signIn: '/signin',
    ...(back === undefined || client === undefined
      ? {}
      : {
          back: { clientId: client.clientId, ...(client.name === undefined ? {} : { name: client.name }), url: back },
        }),
  })
  return withHeaders(view, cookies)
}

function ask(
  core: Core,
  http: HttpRequest,
  {
    asking,
    signedIn,
    parameters,
  }: { readonly asking: Asking; readonly signedIn: SignedIn; readonly parameters: Parameters },
): HttpResponse {
  const form = bindForm(core, http, { purpose, signedIn })
  const kept = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state'].flatMap((name) => {
    const value = parameters.get(name)
    return value === undefined ? [] : [{ name, value }]
  })
  const { client } = asking
  const view = signOutPage(presentationFor(core, http), {
    action: '/oauth/logout',
    hidden: [form.field, { name: 'confirm', value: 'yes' }, ...kept],
    person: signedIn.user,
    ...(client === undefined
      ? {}
      : { requester: { clientId: client.clientId, ...(client.name === undefined ? {} : { name: client.name }) } }),
  })
  return withHeaders(view, form.setCookie)
}

async function end(core: Core, http: HttpRequest, { sessionId, user }: SignedIn): Promise<HttpResponse['headers']> {
  const actor = { kind: 'user', user, scopes: [] } as const
  await signOut(core, { actor, user, address: http.peer.address }, sessionId)
  return [removeSessionCookie(core)]
}
