import type { Core } from '../endpoints/core.ts'
import { createAccountEndpoint } from '../endpoints/account/overview.ts'
import { createSectionEndpoints } from '../endpoints/account/section-endpoints.ts'
import { sectionsOf } from '../endpoints/account/sections.ts'
import { createAuthorizeEndpoint, createResumeEndpoint } from '../endpoints/authorize.ts'
import { createDischargeEndpoint, createDischargePageEndpoint } from '../endpoints/discharge.ts'
import { createConsentEndpoint, createConsentPageEndpoint } from '../endpoints/consent.ts'
import { createContinueEndpoint, createContinuePageEndpoint } from '../endpoints/continue.ts'
import { createJwksEndpoint, createMetadataEndpoint } from '../endpoints/documents.ts'
import { createEndSessionEndpoint } from '../endpoints/end-session.ts'
import { createLanguageEndpoint } from '../endpoints/language.ts'
import { createHomeEndpoint } from '../endpoints/home.ts'
import { createIntrospectionEndpoint } from '../endpoints/introspect.ts'
import { createPageScriptEndpoint } from '../endpoints/page-script.ts'
import { createPasskeySignInEndpoint } from '../endpoints/passkey-sign-in.ts'
import { createPasswordStrengthEndpoint } from '../endpoints/password-strength.ts'
import { createMailCodeEndpoint } from '../endpoints/mail-code.ts'
import { mailCodePath } from '../endpoints/mail-code-path.ts'
import { createLetterEndpoint } from '../endpoints/letter.ts'
import { createRecoverEndpoint } from '../endpoints/recover.ts'
import { createRegisterEndpoint } from '../endpoints/register.ts'
import { createRevocationEndpoint } from '../endpoints/revoke.ts'
import { createSecondFactorEndpoint, createSecondFactorPageEndpoint } from '../endpoints/second-factor.ts'
import { createSignInEndpoint, createSignInPageEndpoint } from '../endpoints/sign-in.ts'
import { createSignedRequestEndpoint } from '../endpoints/signed-request.ts'
import { createTokenEndpoint } from '../endpoints/token.ts'
import { createUserinfoEndpoint } from '../endpoints/userinfo.ts'
import { apiRoutes } from './api-routes.ts'
import { protocolPaths } from './capabilities.ts'
import { formRoutes } from './form-routes.ts'
import { identityRoutes } from './identity-routes.ts'
import { passkeyScript, passkeyScriptPath } from '../pages/passkey-script.ts'
import { strengthPath, strengthScript, strengthScriptPath } from '../pages/strength-script.ts'
import type { Route } from './route.ts'
import { vaultRoutes } from './vault-routes.ts'

/** Every path there is, with how it is reached and who may. `access` is for readers and for the test that no route lacks it. */
export function routesOf(core: Core): readonly Route[] {
  const metadata = createMetadataEndpoint(core)
  const jwks = createJwksEndpoint(core)
  const authorize = createAuthorizeEndpoint(core)
  const resume = createResumeEndpoint(core)
  const userinfo = createUserinfoEndpoint(core)
  return [
    {
      method: 'GET',
      path: '/.well-known/openid-configuration',
      endpoint: metadata,
      kind: 'none',
      access: 'public',
      cors: 'public',
      head: true,
    },
    {
      method: 'GET',
      path: '/.well-known/oauth-authorization-server',
      endpoint: metadata,
      kind: 'none',
      access: 'public',
      cors: 'public',
      head: true,
    },
    {
      method: 'GET',
      path: protocolPaths.jwks,
      endpoint: jwks,
      kind: 'none',
      access: 'public',
      cors: 'public',
      head: true,
    },

    {
      method: 'POST',
      path: protocolPaths.token,
      endpoint: createTokenEndpoint(core),
      kind: 'form',
      access: 'client',
      cors: 'public',
    },
    {
      method: 'POST',
      path: protocolPaths.introspection,
      endpoint: createIntrospectionEndpoint(core),
      kind: 'form',
      access: 'client',
      priority: 'introspect',
    },
    {
      method: 'POST',
      path: protocolPaths.signedRequest,
      endpoint: createSignedRequestEndpoint(core),
      kind: 'form',
      access: 'client',
      priority: 'introspect',
    },
    {
      method: 'POST',
      path: protocolPaths.revocation,
      endpoint: createRevocationEndpoint(core),
      kind: 'form',
      access: 'client',
      cors: 'public',
      priority: 'revoke',
    },
    {
      method: 'GET',
      path: protocolPaths.userinfo,
      endpoint: userinfo,
      kind: 'none',
      access: 'token',
      cors: 'public',
      priority: 'introspect',
    },
    {
      method: 'POST',
      path: protocolPaths.userinfo,
      endpoint: userinfo,
      kind: 'form',
      access: 'token',
      cors: 'public',
      priority: 'introspect',
    },

    {
      method: 'GET',
      path: protocolPaths.authorization,
      endpoint: authorize,
      kind: 'none',
      access: 'browser',
      priority: 'authorize',
    },
    {
      method: 'POST',
      path: protocolPaths.authorization,
      endpoint: authorize,
      kind: 'form',
      access: 'browser',
      priority: 'authorize',
    },
    { method: 'GET', path: `${protocolPaths.authorization}/resume`, endpoint: resume, kind: 'none', access: 'browser' },
    { method: 'GET', path: '/signin', endpoint: createSignInPageEndpoint(core), kind: 'none', access: 'browser' },
    { method: 'POST', path: '/signin', endpoint: createSignInEndpoint(core), kind: 'form', access: 'browser' },
    {
      method: 'POST',
      path: '/signin/passkey',
      endpoint: createPasskeySignInEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
    {
      method: 'GET',
      path: passkeyScriptPath,
      endpoint: createPageScriptEndpoint(passkeyScript),
      kind: 'none',
      access: 'public',
      head: true,
    },
    {
      method: 'GET',
      path: strengthScriptPath,
      endpoint: createPageScriptEndpoint(strengthScript),
      kind: 'none',
      access: 'public',
      head: true,
    },
    {
      method: 'POST',
      path: strengthPath,
      endpoint: createPasswordStrengthEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
    {
      method: 'GET',
      path: '/second-factor',
      endpoint: createSecondFactorPageEndpoint(core),
      kind: 'none',
      access: 'browser',
    },
    {
      method: 'POST',
      path: '/second-factor',
      endpoint: createSecondFactorEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
    { method: 'GET', path: '/continue', endpoint: createContinuePageEndpoint(core), kind: 'none', access: 'browser' },
    { method: 'POST', path: '/continue', endpoint: createContinueEndpoint(core), kind: 'form', access: 'browser' },
    { method: 'GET', path: '/consent', endpoint: createConsentPageEndpoint(core), kind: 'none', access: 'browser' },
    { method: 'POST', path: '/consent', endpoint: createConsentEndpoint(core), kind: 'form', access: 'browser' },
    {
      method: 'GET',
      path: protocolPaths.discharge,
      endpoint: createDischargePageEndpoint(core),
      kind: 'none',
      access: 'browser',
    },
    {
      method: 'POST',
      path: protocolPaths.discharge,
      endpoint: createDischargeEndpoint(core),
      kind: 'form',
      access: 'browser',
    },
    ...formRoutes(protocolPaths.endSession, createEndSessionEndpoint(core)),

    ...identityRoutes(core),
    ...vaultRoutes(core),

    { method: 'GET', path: '/account', endpoint: createAccountEndpoint(core), kind: 'none', access: 'browser' },
    ...sectionsOf(core).flatMap((section): readonly Route[] => {
      const { show, act } = createSectionEndpoints(core, section)
      const path = `/account/${section.id}`
      return [
        { method: 'GET', path, endpoint: show, kind: 'none', access: 'browser' },
        { method: 'POST', path, endpoint: act, kind: 'form', access: 'browser' },
      ]
    }),
    ...formRoutes('/register', createRegisterEndpoint(core)),
    // Invitations have links too, where no letters are sent.
    ...formRoutes('/letter', createLetterEndpoint(core)),
    ...(core.outbox === undefined
      ? []
      : [
          ...formRoutes('/recover', createRecoverEndpoint(core)),
          ...formRoutes(mailCodePath, createMailCodeEndpoint(core)),
        ]),
    { method: 'GET', path: '/language', endpoint: createLanguageEndpoint(core), kind: 'none', access: 'browser' },
    { method: 'GET', path: '/', endpoint: createHomeEndpoint(core), kind: 'none', access: 'browser' },

    ...apiRoutes(core),
  ]
}
