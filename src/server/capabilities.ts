import { authenticationContexts } from '../domain/authentication-context.ts'
import { supportedClaims } from '../domain/release-claims.ts'
import { grantTypeNames } from '../grants/registry.ts'
import { languages } from '../i18n/messages/catalogue.ts'
import { assertionAlgorithms, secretAssertionAlgorithm, signingAlgorithms } from '../protocol/algorithm.ts'
import { tokenExchangeGrant } from '../protocol/grant-type.ts'
import type { Capabilities } from '../protocol/server-metadata.ts'

/** Where the protocol endpoints are. The routes and the metadata are both made from this, so neither can name what the other lacks. */
export const protocolPaths = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  userinfo: '/oauth/userinfo',
  introspection: '/oauth/introspect',
  signedRequest: '/oauth/signed-request',
  revocation: '/oauth/revoke',
  endSession: '/oauth/logout',
  discharge: '/oauth/discharge',
  jwks: '/.well-known/jwks.json',
} as const

export type Offered = {
  readonly issuer: string
  readonly policy?: string | undefined
  readonly terms?: string | undefined
  /** Whether there are providers whose tokens could be asked for. */
  readonly exchange: boolean
}

/** What is really switched on for everybody. A legacy switch is a matter between an administrator and one client, and isn't advertised. */
export function capabilitiesOf(offered: Offered): Capabilities {
  const { issuer } = offered
  const at = (path: string) => `${issuer}${path}`
  return {
    issuer,
    endpoints: {
      jwks: at(protocolPaths.jwks),
      authorization: at(protocolPaths.authorization),
      token: at(protocolPaths.token),
      userinfo: at(protocolPaths.userinfo),
      introspection: at(protocolPaths.introspection),
      signedRequest: at(protocolPaths.signedRequest),
      revocation: at(protocolPaths.revocation),
      endSession: at(protocolPaths.endSession),
    },
    grantTypes: grantTypeNames.filter(
      (name) => name !== 'password' && (offered.exchange || name !== tokenExchangeGrant),
    ),
    responseTypes: ['code'],
    responseModes: ['query', 'form_post'],
    authenticationMethods: [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'http_message_signature',
    ],
    assertionAlgorithms: [...assertionAlgorithms, secretAssertionAlgorithm],
    idTokenAlgorithms: signingAlgorithms,
    scopes: ['openid', 'profile', 'email', 'roles', 'offline_access'],
    claims: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'auth_time',
      'nonce',
      'acr',
      'amr',
      'sid',
      'at_hash',
      ...supportedClaims,
    ],
    prompts: ['none', 'login', 'consent', 'select_account'],
    acrValues: authenticationContexts,
    uiLocales: [...languages],
    ...(offered.policy === undefined ? {} : { policy: offered.policy }),
    ...(offered.terms === undefined ? {} : { terms: offered.terms }),
  }
}
