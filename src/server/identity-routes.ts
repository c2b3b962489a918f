import type { Core } from '../endpoints/core.ts'
import { createLinkSiteLoginEndpoint } from '../endpoints/identities/link-site-login.ts'
import {
  createIdentitiesPageEndpoint,
  createLinkIdentityEndpoint,
  createUnlinkIdentityEndpoint,
} from '../endpoints/identities/linked-identities.ts'
import { createNewcomerEndpoint, createNewcomerPageEndpoint } from '../endpoints/identities/newcomer.ts'
import { createProviderCallbackEndpoint } from '../endpoints/identities/provider-callback.ts'
import { createSiteLoginEndpoint } from '../endpoints/identities/site-login.ts'
import { createStartProviderEndpoint } from '../endpoints/identities/start-provider.ts'
import { formRoutes } from './form-routes.ts'
import type { Route } from './route.ts'

/** The paths by which people come in, or add a way in, through accounts elsewhere. */
export function identityRoutes(core: Core): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/signin/with/:provider',
      endpoint: createStartProviderEndpoint(core),
      kind: 'none',
      access: 'browser',
    },
    {
      method: 'POST',
      path: '/signin/with/:provider',
      endpoint: createSiteLoginEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
    { method: 'GET', path: '/signup', endpoint: createNewcomerPageEndpoint(core), kind: 'none', access: 'browser' },
    { method: 'POST', path: '/signup', endpoint: createNewcomerEndpoint(core), kind: 'form', access: 'browser' },
    ...callbackRoutes(core),
    {
      method: 'GET',
      path: '/account/identities',
      endpoint: createIdentitiesPageEndpoint(core),
      kind: 'none',
      access: 'browser',
    },
    {
      method: 'POST',
      path: '/account/identities/link',
      endpoint: createLinkIdentityEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
    ...formRoutes('/account/identities/with/:provider', createLinkSiteLoginEndpoint(core)),
    {
      method: 'POST',
      path: '/account/identities/unlink',
      endpoint: createUnlinkIdentityEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
  ]
}

/** One path for each provider (RFC 9700 §4.4.2, L06): its own, or the one that was registered there before. */
function callbackRoutes(core: Core): readonly Route[] {
  return [...core.upstream.providers.values()].flatMap((provider) =>
    provider.kind === 'site-login'
      ? []
      : [
          {
            method: 'GET',
            path: provider.callbackPath,
            endpoint: createProviderCallbackEndpoint(core, provider),
            kind: 'none',
            access: 'browser',
          } as const,
        ],
  )
}
