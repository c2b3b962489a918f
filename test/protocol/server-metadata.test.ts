import { expect, test } from 'vitest'
import { buildServerMetadata, type Capabilities } from '../../src/protocol/server-metadata.ts'

const everything: Capabilities = {
  issuer: 'https://as.example',
  endpoints: {
    jwks: 'https://as.example/.well-known/jwks.json',
    authorization: 'https://as.example/oauth/authorize',
    token: 'https://as.example/oauth/token',
    userinfo: 'https://as.example/oauth/userinfo',
    introspection: 'https://as.example/oauth/introspect',
    revocation: 'https://as.example/oauth/revoke',
    endSession: 'https://as.example/oauth/logout',
  },
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  responseTypes: ['code'],
  responseModes: ['query', 'form_post'],
  authenticationMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  assertionAlgorithms: ['ES256', 'RS256'],
  idTokenAlgorithms: ['RS256', 'ES256'],
  scopes: ['openid', 'profile'],
  claims: ['sub', 'name'],
  prompts: ['none', 'login'],
  acrValues: [],
  uiLocales: ['en', 'de'],
}

test('RFC 8414 §2, OIDC Discovery §3: everything switched on', () => {
  expect(buildServerMetadata(everything)).toEqual({
    issuer: 'https://as.example',
    authorization_endpoint: 'https://as.example/oauth/authorize',
    token_endpoint: 'https://as.example/oauth/token',
    userinfo_endpoint: 'https://as.example/oauth/userinfo',
    jwks_uri: 'https://as.example/.well-known/jwks.json',
    introspection_endpoint: 'https://as.example/oauth/introspect',
    revocation_endpoint: 'https://as.example/oauth/revoke',
    end_session_endpoint: 'https://as.example/oauth/logout',
    scopes_supported: ['openid', 'profile'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    introspection_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256'],
    revocation_endpoint_auth_methods_supported: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'none',
    ],
    revocation_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    prompt_values_supported: ['none', 'login'],
    claim_types_supported: ['normal'],
    claims_supported: ['sub', 'name'],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    ui_locales_supported: ['en', 'de'],
  })
})

test('what is off is not named', () => {
  const { token, jwks } = everything.endpoints
  const metadata = buildServerMetadata({
    ...everything,
    endpoints: { jwks, ...(token === undefined ? {} : { token }) },
    grantTypes: ['client_credentials'],
    responseTypes: [],
    responseModes: [],
    authenticationMethods: ['client_secret_basic'],
    uiLocales: [],
    prompts: [],
  })
  expect(Object.keys(metadata)).toEqual([
    'issuer',
    'token_endpoint',
    'jwks_uri',
    'scopes_supported',
    'response_types_supported',
    'grant_types_supported',
    'subject_types_supported',
    'id_token_signing_alg_values_supported',
    'token_endpoint_auth_methods_supported',
    'claim_types_supported',
    'claims_supported',
    'request_parameter_supported',
    'request_uri_parameter_supported',
  ])
})

test('RFC 7591 §2.1: a response type token comes with the grant type implicit', () => {
  const metadata = buildServerMetadata({
    ...everything,
    responseTypes: ['code', 'token'],
    responseModes: ['query', 'form_post', 'fragment'],
  })
  expect(metadata['grant_types_supported']).toContain('implicit')
})

test('G09: the same capabilities give the same bytes', () => {
  expect(JSON.stringify(buildServerMetadata(everything))).toBe(JSON.stringify(buildServerMetadata({ ...everything })))
})
