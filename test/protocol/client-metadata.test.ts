import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  parseClientMetadata,
  printClientMetadata,
  type ClientMetadata,
  type FieldRefusal,
} from '../../src/protocol/client-metadata.ts'
import { isRefusal } from '../../src/protocol/errors.ts'

/** A list whose second place is empty, which JSON can't have but a caller in the process can. */
function withHole(first: unknown, last: unknown): readonly unknown[] {
  const list = [first]
  list[2] = last
  return list
}

const key = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  kid: 'k1',
}
const minimal = { redirect_uris: ['https://app.example/cb'] }

function parsed(document: unknown): ClientMetadata {
  const metadata = parseClientMetadata(document)
  if (isRefusal(metadata)) throw new Error(`refused: ${metadata.hint ?? metadata.reason}`)
  return metadata
}

function refused(document: unknown): FieldRefusal {
  const refusal = parseClientMetadata(document)
  if (!isRefusal(refusal)) throw new Error('accepted')
  // RFC 7591 §3.2.2: error_description is ASCII.
  expect(refusal.hint).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  return refusal
}

describe('RFC 7591 §2', () => {
  test('defaults', () => {
    expect(parsed(minimal)).toEqual({
      authentication: { method: 'client_secret_basic' },
      redirectUris: ['https://app.example/cb'],
      postLogoutRedirectUris: [],
      grantTypes: ['authorization_code'],
      scope: ['openid', 'profile', 'email'],
      idTokenAlgorithm: 'RS256',
      legacy: [],
      loopbackOnly: false,
    })
    expect(parsed({ grant_types: ['client_credentials'] }).scope).toEqual([])
    expect(parsed({ ...minimal, grant_types: ['authorization_code', 'refresh_token'] }).scope).toContain(
      'offline_access',
    )
    expect(parsed({ ...minimal, scope: '' }).scope).toEqual([])
  })

  test('every field', () => {
    expect(
      parsed({
        client_id: 'web',
        client_name: ' My web app ',
        client_uri: 'https://app.example',
        logo_uri: 'https://app.example/logo.png',
        policy_uri: 'https://app.example/privacy',
        tos_uri: 'https://app.example/terms',
        redirect_uris: ['https://app.example/cb', 'https://app.example/cb'],
        post_logout_redirect_uris: ['https://app.example/'],
        grant_types: ['authorization_code', 'refresh_token', 'password', 'implicit'],
        response_types: ['code', 'token'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [key] },
        scope: 'openid profile',
        resources: ['https://api.example'],
        id_token_signed_response_alg: 'ES256',
        subject_type: 'public',
        legacy: ['implicit', 'password', 'assertion_audience'],
        loopback_only: true,
        contacts: ['ada@example.org'],
        application_type: 'web',
      }),
    ).toEqual({
      clientId: 'web',
      name: 'My web app',
      uri: 'https://app.example',
      logoUri: 'https://app.example/logo.png',
      policyUri: 'https://app.example/privacy',
      tosUri: 'https://app.example/terms',
      authentication: { method: 'private_key_jwt', keys: [key], algorithm: 'ES256' },
      redirectUris: ['https://app.example/cb'],
      postLogoutRedirectUris: ['https://app.example/'],
      grantTypes: ['authorization_code', 'refresh_token', 'password'],
      scope: ['openid', 'profile'],
      resources: ['https://api.example'],
      idTokenAlgorithm: 'ES256',
      legacy: ['implicit', 'password', 'assertion_audience'],
      loopbackOnly: true,
    })
  })

  test('RFC 7592 §2.2: null counts as absent', () => {
    expect(parsed({ ...minimal, client_name: null, grant_types: null, resources: null })).toEqual(parsed(minimal))
  })

  test('the legacy switch password brings its grant type along', () => {
    expect(parsed({ ...minimal, legacy: ['password'] }).grantTypes).toEqual(['authorization_code', 'password'])
    expect(
      parsed({ grant_types: ['password'], legacy: ['password'], token_endpoint_auth_method: 'none' }).grantTypes,
    ).toEqual(['password'])
  })
})

describe('D21: refused, naming the field and the mend', () => {
  test.each([
    ['no object', [], 'client metadata', 'metadata_malformed'],
    ['null', null, 'client metadata', 'metadata_malformed'],
    ['a text', 'x', 'client metadata', 'metadata_malformed'],
    ['a field that does not exist', { ...minimal, redirect_uri: 'x' }, 'client metadata', 'metadata_unknown'],
    ['__proto__', JSON.parse('{"__proto__":{"legacy":["password"]}}'), 'client metadata', 'metadata_unknown'],
    ['client_secret', { ...minimal, client_secret: 'x' }, 'client_secret', 'metadata_unsupported'],
    ['jwks_uri', { ...minimal, jwks_uri: 'https://10.0.0.5/' }, 'jwks_uri', 'metadata_unsupported'],
    [
      'jwks and jwks_uri',
      { ...minimal, jwks: { keys: [key] }, jwks_uri: 'https://a' },
      'jwks_uri',
      'metadata_unsupported',
    ],
    [
      'sector_identifier_uri',
      { ...minimal, sector_identifier_uri: 'https://a' },
      'sector_identifier_uri',
      'metadata_unsupported',
    ],
    ['pairwise', { ...minimal, subject_type: 'pairwise' }, 'subject_type', 'metadata_malformed'],
    ['a client id like a user id', { ...minimal, client_id: 'usr_1' }, 'client_id', 'metadata_malformed'],
    ['a client id that is a number', { ...minimal, client_id: 1 }, 'client_id', 'metadata_malformed'],
    ['an empty name', { ...minimal, client_name: ' ' }, 'client_name', 'metadata_malformed'],
    ['a name with a direction mark', { ...minimal, client_name: 'a\u202eb' }, 'client_name', 'metadata_malformed'],
    ['a name of two lines', { ...minimal, client_name: 'a\nb' }, 'client_name', 'metadata_malformed'],
    ['a long name', { ...minimal, client_name: 'a'.repeat(201) }, 'client_name', 'metadata_malformed'],
    ['a name that is an object', { ...minimal, client_name: {} }, 'client_name', 'metadata_malformed'],
    ['a javascript link', { ...minimal, policy_uri: 'javascript:alert(1)' }, 'policy_uri', 'metadata_malformed'],
    ['an http link', { ...minimal, tos_uri: 'http://app.example' }, 'tos_uri', 'metadata_malformed'],
    ['redirect URIs as a text', { redirect_uris: 'https://app.example/cb' }, 'redirect_uris', 'metadata_malformed'],
    [
      'redirect URIs as an object',
      { redirect_uris: { 0: 'https://app.example/cb' } },
      'redirect_uris',
      'metadata_malformed',
    ],
    ['a redirect URI that is a number', { redirect_uris: [1] }, 'redirect_uris[0]', 'metadata_malformed'],
    [
      'a sparse list',
      { redirect_uris: withHole('https://app.example/cb', 'https://app.example/x') },
      'redirect_uris[1]',
      'metadata_malformed',
    ],
    [
      'a bad redirect URI',
      { redirect_uris: ['https://app.example/cb', 'https://app.example/cb#'] },
      'redirect_uris[1]',
      'redirect_uri_malformed',
    ],
    [
      'too many redirect URIs',
      { redirect_uris: Array.from({ length: 101 }, (_, index) => `https://app.example/${index}`) },
      'redirect_uris',
      'metadata_malformed',
    ],
    [
      'a bad post-logout URI',
      { ...minimal, post_logout_redirect_uris: ['javascript:x'] },
      'post_logout_redirect_uris[0]',
      'redirect_uri_malformed',
    ],
    ['no redirect URI', {}, 'redirect_uris', 'metadata_conflict'],
    [
      'no redirect URI for implicit',
      { grant_types: ['client_credentials'], legacy: ['implicit'] },
      'redirect_uris',
      'metadata_conflict',
    ],
    ['an unknown grant type', { ...minimal, grant_types: ['urn:x'] }, 'grant_types[0]', 'metadata_malformed'],
    ['password without its switch', { ...minimal, grant_types: ['password'] }, 'grant_types', 'metadata_conflict'],
    ['implicit without its switch', { ...minimal, grant_types: ['implicit'] }, 'grant_types', 'metadata_conflict'],
    ['token without its switch', { ...minimal, response_types: ['token'] }, 'response_types', 'metadata_conflict'],
    [
      'code without its grant type',
      { ...minimal, grant_types: ['client_credentials'], response_types: ['code'] },
      'response_types',
      'metadata_conflict',
    ],
    ['code id_token', { ...minimal, response_types: ['code id_token'] }, 'response_types[0]', 'metadata_malformed'],
    [
      'none and client_credentials',
      { grant_types: ['client_credentials'], token_endpoint_auth_method: 'none' },
      'grant_types',
      'metadata_conflict',
    ],
    ['refresh_token alone', { grant_types: ['refresh_token'] }, 'grant_types', 'metadata_conflict'],
    [
      'an unknown method',
      { ...minimal, token_endpoint_auth_method: 'tls_client_auth' },
      'token_endpoint_auth_method',
      'metadata_malformed',
    ],
    [
      'private_key_jwt without keys',
      { ...minimal, token_endpoint_auth_method: 'private_key_jwt' },
      'jwks',
      'metadata_conflict',
    ],
    ['keys without private_key_jwt', { ...minimal, jwks: { keys: [key] } }, 'jwks', 'metadata_conflict'],
    [
      'an algorithm without private_key_jwt',
      { ...minimal, token_endpoint_auth_signing_alg: 'ES256' },
      'token_endpoint_auth_signing_alg',
      'metadata_conflict',
    ],
    [
      'the audience switch without private_key_jwt',
      { ...minimal, legacy: ['assertion_audience'] },
      'legacy',
      'metadata_conflict',
    ],
    [
      'the algorithm none',
      {
        ...minimal,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [key] },
        token_endpoint_auth_signing_alg: 'none',
      },
      'token_endpoint_auth_signing_alg',
      'metadata_malformed',
    ],
    [
      'a private key',
      { ...minimal, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...key, d: 'x' }] } },
      'jwks',
      'metadata_malformed',
    ],
    [
      'an unsigned ID token',
      { ...minimal, id_token_signed_response_alg: 'none' },
      'id_token_signed_response_alg',
      'metadata_malformed',
    ],
    ['a scope that is a list', { ...minimal, scope: ['openid'] }, 'scope', 'scope_malformed'],
    ['a malformed scope', { ...minimal, scope: 'a  b' }, 'scope', 'scope_malformed'],
    ['a malformed resource', { ...minimal, resources: ['api'] }, 'resources[0]', 'resource_malformed'],
    ['an unknown switch', { ...minimal, legacy: ['hybrid'] }, 'legacy[0]', 'metadata_malformed'],
    ['loopback_only as a text', { ...minimal, loopback_only: 'true' }, 'loopback_only', 'metadata_malformed'],
  ])('%s', (_, document, field, reason) => {
    const refusal = refused(document)
    expect(refusal).toMatchObject({ field, reason })
    expect(refusal.error).toBe(field.startsWith('redirect_uris') ? 'invalid_redirect_uri' : 'invalid_client_metadata')
  })

  test('no complaint repeats what was sent', () => {
    const canary = 'CANARY'
    for (const document of [
      { [canary]: 1 },
      { redirect_uris: [`https://app.example/${canary} x`] },
      { ...minimal, client_id: `usr_${canary}` },
      { ...minimal, scope: `${canary}  x` },
      { ...minimal, grant_types: [canary] },
      { ...minimal, client_secret: canary },
    ]) {
      expect(JSON.stringify(refused(document))).not.toContain(canary)
    }
  })
})

const uri = fc.webUrl({ validSchemes: ['https'], withQueryParameters: false, withFragments: false })
const document = fc.record(
  {
    client_id: fc.stringMatching(/^[a-tv-z0-9][A-Za-z0-9._~-]{0,20}$/),
    client_name: fc.stringMatching(/^[A-Za-z]{1,20}$/),
    client_uri: uri,
    redirect_uris: fc.uniqueArray(
      fc.constantFrom('https://app.example/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb'),
      { minLength: 1 },
    ),
    grant_types: fc.uniqueArray(
      fc.constantFrom('authorization_code', 'refresh_token', 'client_credentials', 'password'),
    ),
    token_endpoint_auth_method: fc.constantFrom('none', 'client_secret_basic', 'client_secret_post'),
    scope: fc.uniqueArray(fc.stringMatching(/^[a-z:]{1,10}$/), { maxLength: 5 }).map((scope) => scope.join(' ')),
    resources: fc.uniqueArray(fc.constantFrom('https://api.example', 'urn:x:y'), { maxLength: 2 }),
    id_token_signed_response_alg: fc.constantFrom('RS256', 'ES256', 'EdDSA'),
    legacy: fc.uniqueArray(fc.constantFrom('implicit', 'password')),
    loopback_only: fc.boolean(),
  },
  { requiredKeys: ['redirect_uris'] },
)

test('parse ∘ print is identity on all that parses', () => {
  let accepted = 0
  fc.assert(
    fc.property(document, (one) => {
      const metadata = parseClientMetadata(one)
      if (isRefusal(metadata)) return
      accepted++
      expect(parseClientMetadata(printClientMetadata(metadata))).toEqual(metadata)
      expect(parseClientMetadata(JSON.parse(JSON.stringify(printClientMetadata(metadata))))).toEqual(metadata)
    }),
    { numRuns: 1_000 },
  )
  expect(accepted).toBeGreaterThan(200)
})

test('J02: any JSON at any field is read or refused, never thrown at', () => {
  const name = fc.constantFrom(
    'client_id',
    'client_name',
    'redirect_uris',
    'grant_types',
    'jwks',
    'scope',
    'legacy',
    'loopback_only',
    'resources',
    'logo_uri',
  )
  fc.assert(
    fc.property(name, fc.jsonValue(), (field, value) => {
      const result = parseClientMetadata({ ...minimal, [field]: value })
      if (isRefusal(result)) expect(result.hint).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    }),
    { numRuns: 2_000 },
  )
})
