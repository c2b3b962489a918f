import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authorizeLimits, parseAuthorizeRequest, type AuthorizeOutcome } from '../../src/domain/authorize-request.ts'
import type { Client } from '../../src/domain/client.ts'
import { describe as describeRefusal, isRefusal } from '../../src/protocol/errors.ts'
import { parseParameters, printParameters, type Pair } from '../../src/protocol/parameters.ts'
import { client as app } from './fixtures.ts'

const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const good: Readonly<Record<string, string>> = {
  client_id: 'app',
  redirect_uri: 'https://app.example/cb',
  response_type: 'code',
  scope: 'openid profile',
  state: 's1',
  code_challenge: challenge,
  code_challenge_method: 'S256',
}

type Change = Readonly<Record<string, string | undefined>>

function ask(change: Change = {}, client: Client | null = app, extra: readonly Pair[] = []): AuthorizeOutcome {
  const pairs = Object.entries({ ...good, ...change }).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const parameters = parseParameters(printParameters([...pairs, ...extra]))
  if (isRefusal(parameters)) throw new Error(parameters.reason)
  return parseAuthorizeRequest(parameters, client ?? undefined)
}

function pageReason(outcome: AuthorizeOutcome): string {
  if (!('page' in outcome)) throw new Error('not a page')
  return outcome.page.reason
}

function redirectOf(outcome: AuthorizeOutcome) {
  if (!('redirect' in outcome)) throw new Error('not a redirect')
  return outcome
}

function requestOf(outcome: AuthorizeOutcome) {
  if (!('request' in outcome)) throw new Error('refused')
  return outcome.request
}

test('RFC 6749 §4.1.1: a good request', () => {
  expect(ask()).toEqual({
    client: app,
    target: 'https://app.example/cb',
    request: {
      clientId: 'app',
      redirectUri: 'https://app.example/cb',
      responseType: 'code',
      responseMode: 'query',
      scope: ['openid', 'profile'],
      resources: [],
      state: 's1',
      codeChallenge: challenge,
      prompt: [],
      uiLocales: [],
    },
  })
})

test('OIDC Core §3.1.2.1: everything that can be asked', () => {
  const request = requestOf(
    ask(
      {
        response_mode: 'form_post',
        nonce: 'n1',
        prompt: 'login consent',
        max_age: '60',
        login_hint: 'ada',
        acr_values: 'urn:1 urn:2 urn:1',
        ui_locales: 'de en',
        claims: '{"id_token":{"sub":{"value":"usr_1"}}}',
      },
      app,
      [
        ['resource', 'https://api.example'],
        ['resource', 'https://other.example'],
      ],
    ),
  )
  expect(request).toMatchObject({
    responseMode: 'form_post',
    nonce: 'n1',
    prompt: ['login', 'consent'],
    maxAge: 60,
    loginHint: 'ada',
    uiLocales: ['de', 'en'],
    subject: 'usr_1',
    resources: ['https://api.example', 'https://other.example'],
  })
})

describe('RFC 6749 §4.1.2.1: nothing goes to an address that is not verified', () => {
  test.each([
    ['A15: two redirect URIs', {}, app, [['redirect_uri', 'https://evil.example']], 'parameter_repeated'],
    ['A15: two client ids', {}, app, [['client_id', 'app']], 'parameter_repeated'],
    ['A15: two states', {}, app, [['state', 's1']], 'parameter_repeated'],
    ['A15: two scopes', {}, app, [['scope', '']], 'parameter_repeated'],
    ['no client id', { client_id: undefined }, null, [], 'parameter_missing'],
    ['an empty client id', { client_id: '' }, null, [], 'parameter_missing'],
    ['A23: an unknown client', { client_id: 'nope', redirect_uri: 'https://evil' }, null, [], 'client_unknown'],
    ['another client than was looked up', { client_id: 'other' }, app, [], 'client_unknown'],
    ['A31: a client that is switched off', {}, { ...app, disabled: true }, [], 'client_disabled'],
    ['A22: an evil redirect URI', { redirect_uri: 'https://evil.example/cb' }, app, [], 'redirect_uri_mismatch'],
    [
      'A14: a script',
      { redirect_uri: 'javascript:alert(1)//', response_mode: 'form_post' },
      app,
      [],
      'redirect_uri_mismatch',
    ],
    [
      'A21: none of two',
      { redirect_uri: undefined },
      { ...app, redirectUris: ['https://app.example/a', 'https://app.example/b'] },
      [],
      'redirect_uri_missing',
    ],
    ['a client without redirect URI', {}, { ...app, redirectUris: [] }, [], 'redirect_uri_mismatch'],
  ] as const)('%s', (_, change, client, extra, reason) => {
    expect(pageReason(ask(change, client, extra))).toBe(reason)
  })

  test('an unknown and a switched-off client look the same', () => {
    const [unknown, disabled] = [ask({}, null), ask({}, { ...app, disabled: true })]
    if (!('page' in unknown) || !('page' in disabled)) throw new Error('not pages')
    expect(unknown.page.error).toBe(disabled.page.error)
    expect(describeRefusal(unknown.page)).toBe(describeRefusal(disabled.page))
  })

  test('whatever else is wrong, a bad redirect URI or client stays on the page', () => {
    const value = fc.constantFrom('', 'x', 'token', 'none', 'fragment', 'https://evil.example', challenge)
    const names = [
      'response_type',
      'response_mode',
      'scope',
      'state',
      'code_challenge',
      'code_challenge_method',
      'prompt',
      'claims',
      'request',
      'request_uri',
    ]
    const noise = fc.dictionary(fc.constantFrom(...names), value)
    fc.assert(
      fc.property(
        noise,
        fc.constantFrom(
          'https://evil.example/cb',
          'https://app.example/cb#',
          'https://app.example/cb/',
          'javascript:x',
        ),
        (change, uri) => {
          expect(ask({ ...change, redirect_uri: uri })).toHaveProperty('page')
          expect(ask(change, null)).toHaveProperty('page')
        },
      ),
    )
  })
})

const implicit: Client = { ...app, legacy: ['implicit'] }

describe('refusals that go to the client, with its state', () => {
  test.each([
    [
      'F01: request_uri',
      { request_uri: 'http://169.254.169.254/latest/' },
      'request_uri_not_supported',
      'request_object_unsupported',
    ],
    ['request', { request: 'eyJ' }, 'request_not_supported', 'request_object_unsupported'],
    ['registration', { registration: '{}' }, 'registration_not_supported', 'request_object_unsupported'],
    ['no response type', { response_type: undefined }, 'invalid_request', 'response_type_missing'],
    ['B15: token', { response_type: 'token' }, 'unauthorized_client', 'response_type_not_allowed'],
    ['B15: id_token', { response_type: 'id_token' }, 'unsupported_response_type', 'response_type_unsupported'],
    ['B15: code token', { response_type: 'code token' }, 'unsupported_response_type', 'response_type_unsupported'],
    ['B15: none', { response_type: 'none' }, 'unsupported_response_type', 'response_type_unsupported'],
    ['B15: foo', { response_type: 'foo' }, 'unsupported_response_type', 'response_type_unsupported'],
    ['B15: CODE', { response_type: 'CODE' }, 'unsupported_response_type', 'response_type_unsupported'],
    ['B17: fragment', { response_mode: 'fragment' }, 'invalid_request', 'response_mode_unsupported'],
    ['B17: web_message', { response_mode: 'web_message' }, 'invalid_request', 'response_mode_unsupported'],
    ['B03: no challenge', { code_challenge: undefined }, 'invalid_request', 'pkce_missing'],
    ['B04: plain', { code_challenge_method: 'plain' }, 'invalid_request', 'pkce_method'],
    ['B04: no method', { code_challenge_method: undefined }, 'invalid_request', 'pkce_method'],
    ['B05: a short challenge', { code_challenge: 'short' }, 'invalid_request', 'pkce_malformed'],
    ['C24: more scope than registered', { scope: 'openid admin' }, 'invalid_scope', 'scope_not_allowed'],
    ['a malformed scope', { scope: 'openid  profile' }, 'invalid_scope', 'scope_malformed'],
    ['a malformed resource', { resource: 'api' }, 'invalid_target', 'resource_malformed'],
    ['prompt none with another', { prompt: 'none login' }, 'invalid_request', 'prompt_malformed'],
    ['J11: max_age -1', { max_age: '-1' }, 'invalid_request', 'max_age_malformed'],
    ['B31: claims', { claims: '[]' }, 'invalid_request', 'claims_malformed'],
    ['a long nonce', { nonce: 'n'.repeat(authorizeLimits.nonce + 1) }, 'invalid_request', 'parameter_too_long'],
    [
      'a long login_hint',
      { login_hint: 'n'.repeat(authorizeLimits.loginHint + 1) },
      'invalid_request',
      'parameter_too_long',
    ],
  ] as const)('%s', (_, change, error, reason) => {
    const { redirect, target, mode, state } = redirectOf(ask(change))
    expect(redirect).toMatchObject({ error, reason })
    expect({ target, mode, state }).toEqual({ target: 'https://app.example/cb', mode: 'query', state: 's1' })
    // RFC 6749 §4.1.2.1: error_description is ASCII.
    expect(describeRefusal(redirect)).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  })

  test('a client without the grant type gets no code', () => {
    expect(redirectOf(ask({}, { ...app, grantTypes: ['client_credentials'] })).redirect).toMatchObject({
      error: 'unauthorized_client',
    })
  })

  test('RFC 8707 §2: a resource that the client may not name', () => {
    const bound: Client = { ...app, resources: ['https://api.example'] }
    expect(redirectOf(ask({ resource: 'https://other.example' }, bound)).redirect).toMatchObject({
      error: 'invalid_target',
      reason: 'resource_not_allowed',
    })
    expect(requestOf(ask({ resource: 'https://api.example' }, bound)).resources).toEqual(['https://api.example'])
  })

  test('they go back the way that was asked for, where a code could have gone there', () => {
    expect(redirectOf(ask({ response_mode: 'form_post', scope: 'nope' })).mode).toBe('form_post')
    expect(redirectOf(ask({ response_mode: 'fragment', scope: 'nope' })).mode).toBe('query')
    expect(redirectOf(ask({ response_type: 'token', response_mode: 'fragment' })).mode).toBe('query')
    expect(redirectOf(ask({ response_type: 'token', scope: 'nope' }, implicit)).mode).toBe('fragment')
  })

  test('RFC 8252 §7.1: no form can be posted to a private-use scheme, so that is said by query', () => {
    const redirect_uri = 'com.example.app:/cb'
    const native = { ...app, redirectUris: [redirect_uri] }
    const refused = redirectOf(ask({ redirect_uri, response_mode: 'form_post' }, native))
    expect(refused).toMatchObject({
      redirect: { error: 'invalid_request', reason: 'response_mode_unsupported' },
      mode: 'query',
    })
    expect(redirectOf(ask({ redirect_uri, response_mode: 'form_post', scope: 'nope' }, native)).mode).toBe('query')
    expect(requestOf(ask({ redirect_uri }, native)).responseMode).toBe('query')
  })
})

describe('B18: state', () => {
  test('as it came, up to 2048 octets', () => {
    for (const state of ['a'.repeat(2_048), 'é'.repeat(1_024), '€'.repeat(682), '😀'.repeat(512), `<>"'&%+ ;\\ü`]) {
      expect(requestOf(ask({ state })).state).toBe(state)
      expect(redirectOf(ask({ state, scope: 'nope' })).state).toBe(state)
    }
  })

  test('longer: refused, and not echoed', () => {
    for (const state of ['a'.repeat(2_049), 'é'.repeat(1_025), '€'.repeat(683), '😀'.repeat(513)]) {
      const outcome = redirectOf(ask({ state }))
      expect(outcome.redirect).toMatchObject({ error: 'invalid_request', reason: 'state_too_long' })
      expect(outcome.state).toBeUndefined()
      expect(redirectOf(ask({ state, request: 'x' })).state).toBeUndefined()
    }
  })

  test('none: none', () => {
    expect(requestOf(ask({ state: undefined }))).not.toHaveProperty('state')
    expect(requestOf(ask({ state: '' }))).not.toHaveProperty('state')
  })
})

describe('the legacy switch implicit', () => {
  test('B15: with it a token goes into the fragment and needs no challenge', () => {
    const request = requestOf(
      ask({ response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }, implicit),
    )
    expect(request).toMatchObject({ responseType: 'token', responseMode: 'fragment' })
    expect(requestOf(ask({ response_type: 'token' }, implicit))).not.toHaveProperty('codeChallenge')
  })

  test('B15: and nowhere else', () => {
    for (const response_mode of ['query', 'form_post']) {
      expect(redirectOf(ask({ response_type: 'token', response_mode }, implicit)).redirect).toMatchObject({
        reason: 'response_mode_unsupported',
      })
    }
  })

  test('B03: with it a code still needs its challenge', () => {
    expect(redirectOf(ask({ code_challenge: undefined }, implicit)).redirect).toMatchObject({ reason: 'pkce_missing' })
  })
})

test('RFC 6749 §3.3: without scope, what is registered, less the powers over this server', () => {
  const strong: Client = { ...app, scope: ['openid', 'read', 'admin', 'admin:read', 'vault', 'introspect'] }
  expect(requestOf(ask({ scope: undefined }, strong)).scope).toEqual(['openid', 'read'])
  expect(requestOf(ask({ scope: 'admin openid' }, strong)).scope).toEqual(['admin', 'openid'])
})

test('A21: the one registered redirect URI may be left out', () => {
  expect(requestOf(ask({ redirect_uri: undefined })).redirectUri).toBe('https://app.example/cb')
})

test('OIDC Core §3.1.2.1: wishes that cannot be read are left, not refused', () => {
  const request = requestOf(
    ask({
      ui_locales: `de ${'x'.repeat(200)} é  en`,
    }),
  )
  expect(request.uiLocales).toEqual(['de', 'en'])
  const many = requestOf(ask({ ui_locales: Array.from({ length: 40 }, (_, index) => `a${index}`).join(' ') }))
  expect(many.uiLocales).toHaveLength(authorizeLimits.uiLocales)
})

test('whatever is asked: a code never without S256 challenge, scope within the client’s, the target a registered URI', () => {
  const pieces = {
    response_type: fc.constantFrom('code', 'token', 'code token', '', 'id_token'),
    response_mode: fc.constantFrom(undefined, 'query', 'fragment', 'form_post', 'x'),
    code_challenge: fc.constantFrom(undefined, challenge, 'short'),
    code_challenge_method: fc.constantFrom(undefined, 'S256', 'plain'),
    scope: fc.constantFrom(undefined, '', 'openid', 'openid admin', 'read write'),
    redirect_uri: fc.constantFrom(undefined, 'https://app.example/cb', 'https://app.example/cb2'),
  }
  fc.assert(
    fc.property(fc.record(pieces), fc.boolean(), (change, hasSwitch) => {
      const outcome = ask(change, hasSwitch ? implicit : app)
      if (!('request' in outcome)) return
      const { request, target } = outcome
      expect(app.redirectUris).toContain(target)
      expect(request.scope.every((scope) => app.scope.includes(scope))).toBe(true)
      if (request.responseType === 'code') {
        expect(request.codeChallenge).toBe(challenge)
        expect(['query', 'form_post']).toContain(request.responseMode)
      } else {
        expect(hasSwitch).toBe(true)
        expect(request.responseMode).toBe('fragment')
      }
    }),
    { numRuns: 2_000 },
  )
})
