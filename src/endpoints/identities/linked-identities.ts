import { identitiesOf } from '../../accounts/find-identity.ts'
import { unlinkIdentity } from '../../accounts/unlink-identity.ts'
import type { SignedIn } from '../../domain/next-step.ts'
import { identitiesPage, type IdentitiesProblem } from '../../pages/identities-page.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { bindForm } from '../../signin/form-guard.ts'
import { lacksSecondFactor } from '../../signin/lacks-second-factor.ts'
import type { Core } from '../core.ts'
import { presentationFor, refusalPage, withHeaders } from '../presentation.ts'
import { purposeOf, readPageRequest } from '../read-page-request.ts'
import { recentlyProved } from '../recently-proved.ts'
import { linkingTooOften } from './linking-too-often.ts'
import { seeOther } from '../respond.ts'
import { noSuchProvider } from './provider-trouble.ts'
import { sendToProvider } from './start-provider.ts'

const shownProblems: readonly IdentitiesProblem[] = ['taken', 'other', 'last', 'denied', 'failed']

/** The accounts elsewhere by which somebody may sign in here. */
export function createIdentitiesPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'identities')
    if ('status' in asked) return asked
    const { signedIn, parameters } = asked
    if (signedIn === undefined) return seeOther('/signin?next=/account/identities')
    if (await lacksSecondFactor(core, signedIn)) return seeOther('/second-factor?next=/account/identities')
    return show(core, http, { signedIn, problem: shownProblems.find((known) => known === parameters.get('problem')) })
  }
}

/** Adding one begins with a form of ours, never with a link: whoever is signed in at the provider may not be the one who is signed in here. */
export function createLinkIdentityEndpoint(core: Core): Endpoint {
  return changing(core, async (http, { signedIn, provider: name }) => {
    const provider = core.upstream.providers.get(name)
    if (provider === undefined || provider.signIn === 'off')
      return refusalPage(core, http, { endpoint: 'identities', refusal: noSuchProvider })
    if (provider.kind === 'site-login') return seeOther(`/account/identities/with/${provider.name}`)
    const busy = linkingTooOften(core, http, signedIn)
    if (busy !== undefined) return busy
    const purpose = { for: 'link', userId: signedIn.user.userId, sessionId: signedIn.sessionId } as const
    return sendToProvider(core, http, { provider, purpose, maxAge: undefined })
  })
}

export function createUnlinkIdentityEndpoint(core: Core): Endpoint {
  return changing(core, async (_http, { signedIn, provider }) => {
    const actor = { kind: 'user', user: signedIn.user, scopes: ['me'] } as const
    const unlinked = await unlinkIdentity(core, { actor, userId: signedIn.user.userId, own: true, provider })
    if ('refused' in unlinked && unlinked.refused.code === 'conflict')
      return seeOther('/account/identities?problem=last')
    return seeOther('/account/identities')
  })
}

type Change = { readonly signedIn: SignedIn; readonly provider: string }

/** The gates of both forms: ours, and of somebody who proved himself not long ago. */
function changing(core: Core, change: (http: HttpRequest, asked: Change) => Promise<HttpResponse>): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'identities')
    if ('status' in form) return form
    const signedIn = await recentlyProved(core, form.signedIn, '/account/identities')
    if ('status' in signedIn) return signedIn
    return change(http, { signedIn, provider: form.parameters.get('provider') ?? '' })
  }
}

async function show(
  core: Core,
  http: HttpRequest,
  { signedIn, problem }: { readonly signedIn: SignedIn; readonly problem: IdentitiesProblem | undefined },
): Promise<HttpResponse> {
  const { providers } = core.upstream
  const identities = await identitiesOf(core, signedIn.user.userId)
  const form = bindForm(core, http, { purpose: purposeOf('identities', undefined), signedIn })
  const linked = new Set(identities.map(({ provider }) => provider))
  const view = identitiesPage(presentationFor(core, http), {
    linked: identities.map((one) => ({ ...one, title: providers.get(one.provider)?.title ?? one.provider })),
    addable: [...providers.values()].flatMap(({ name, title, signIn }) =>
      signIn === 'off' || linked.has(name) ? [] : [{ provider: name, title }],
    ),
    hidden: [form.field],
    ...(problem === undefined ? {} : { problem }),
  })
  return withHeaders(view, form.setCookie)
}
