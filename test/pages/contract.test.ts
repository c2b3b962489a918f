import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { consentPage } from '../../src/pages/consent-page.ts'
import { errorPage } from '../../src/pages/error-page.ts'
import { retryLaterPage } from '../../src/pages/retry-later-page.ts'
import { signInPage } from '../../src/pages/sign-in-page.ts'
import type { SignInProblem } from '../../src/pages/sign-in-page.ts'
import { gallery, presentation, words } from './gallery.ts'
import { formOf, scanHtml } from './scan-html.ts'

const body = (name: string): string =>
  gallery.find((example) => example.name === name)?.render(presentation, words).body ?? ''
const names = (id: string, page: string): string[] =>
  formOf(page, id).inputs.map((input) => input.attributes.get('name') ?? '')
const options = (id: string, page: string, name: string): string[] =>
  formOf(page, id)
    .inputs.filter((input) => input.attributes.get('name') === name)
    .map((input) => input.attributes.get('value') ?? '')

describe('what programs rely on', () => {
  test('sign-in form', () => {
    expect(names('sign-in', body('sign-in'))).toEqual(['csrf', 'interaction', 'username', 'password', 'remember', ''])
    expect(formOf(body('sign-in'), 'sign-in').attributes.get('method')).toBe('post')
    expect(formOf(body('sign-in'), 'sign-in').attributes.get('action')).toBe('/signin')
  })

  test('consent form: a decision, and a scope for each that is asked', () => {
    expect(options('consent', body('consent'), 'decision')).toEqual(['deny', 'allow'])
    expect(options('consent', body('consent'), 'scope')).toEqual([
      'openid',
      'profile',
      'email',
      'notes:write',
      'offline_access',
    ])
  })

  test('consent form: what is required is sent, and what isn’t is a box', () => {
    const boxes = formOf(body('consent-unverified'), 'consent').inputs.filter(
      (input) => input.attributes.get('name') === 'scope',
    )
    expect(
      boxes.map((box) => [box.attributes.get('value'), box.attributes.get('type'), box.attributes.has('checked')]),
    ).toEqual([
      ['openid', 'hidden', false],
      ['admin', 'checkbox', true],
      ['notes:write', 'checkbox', false],
    ])
  })

  test('continue and sign-out forms', () => {
    expect(options('continue', body('continue'), 'decision')).toEqual(['continue', 'switch'])
    expect(names('sign-out', body('sign-out'))).toEqual(['csrf', 'interaction', ''])
  })

  test.each(['consent', 'continue', 'sign-in', 'sign-out'])('%s: hidden fields come back as they were given', (id) => {
    expect(options(id, body(id), 'csrf')).toEqual([words.state])
    expect(options(id, body(id), 'interaction')).toEqual([words.reference])
  })

  test.each([
    ['error', 'invalid_request', 400],
    ['error-redirect', 'invalid_redirect_uri', 400],
    ['error-forbidden', 'forbidden', 403],
    ['error-server', 'server_error', 500],
    ['stale', 'interaction_expired', 403],
    ['not-found', 'not_found', 404],
    ['too-many-requests', 'too_many_requests', 429],
    ['unavailable', 'temporarily_unavailable', 503],
  ])('%s says #error with data-error=%s and status %i', (name, code, status) => {
    const page = gallery.find((example) => example.name === name)?.render(presentation, words)
    const error = scanHtml(page?.body ?? '').tags.find((tag) => tag.attributes.get('id') === 'error')
    expect(error?.attributes.get('data-error')).toBe(code)
    expect(page?.status).toBe(status)
    expect(scanHtml(page?.body ?? '').text).toContain(words.reference)
  })

  test.each(gallery)('$name has one title, one heading, one main part and no id twice', ({ name }) => {
    const { tags } = scanHtml(body(name))
    const count = (tag: string): number => tags.filter((found) => found.name === tag && !found.closing).length
    expect([count('title'), count('h1'), count('main')]).toEqual([1, 1, 1])
    const ids = tags.map((tag) => tag.attributes.get('id')).filter((id) => id !== undefined)
    expect(ids).toEqual([...new Set(ids)])
  })
})

describe('sign-in', () => {
  const view = { action: '/signin', hidden: [] }
  const input = (page: string, name: string) =>
    formOf(page, 'sign-in').inputs.find((found) => found.attributes.get('name') === name)

  test.each<[SignInProblem, number, string | undefined, string]>([
    [{ kind: 'wrong_credentials' }, 403, undefined, 'That username and password don’t match.'],
    [{ kind: 'locked' }, 403, undefined, 'This account is locked.'],
    [{ kind: 'throttled', retryAfter: 300 }, 429, '300', 'Too many tries. Please wait 5 minutes.'],
    [{ kind: 'busy', retryAfter: 1.2 }, 503, '2', 'Please try again in 2 seconds.'],
  ])('%o: status %i and words', (problem, status, retryAfter, text) => {
    const page = signInPage(presentation, { ...view, problem })
    expect(page.status).toBe(status)
    expect(new Map(page.headers).get('retry-after')).toBe(retryAfter)
    expect(scanHtml(page.body).text).toContain(text)
    expect(scanHtml(page.body).text).toContain('Error: Sign in · Gatehouse')
  })

  test('a hint fills the username and the cursor waits in the password; the password is never filled', () => {
    const page = signInPage(presentation, { ...view, username: 'ada', remember: true }).body
    expect(input(page, 'username')?.attributes.get('value')).toBe('ada')
    expect(input(page, 'username')?.attributes.has('autofocus')).toBe(false)
    expect(input(page, 'password')?.attributes.has('autofocus')).toBe(true)
    expect(input(page, 'password')?.attributes.has('value')).toBe(false)
    expect(input(page, 'remember')?.attributes.has('checked')).toBe(true)
  })

  test('password managers are told which field is which', () => {
    const page = signInPage(presentation, view).body
    expect(input(page, 'username')?.attributes.get('autocomplete')).toBe('username')
    expect(input(page, 'password')?.attributes.get('autocomplete')).toBe('current-password')
  })
})

describe('who asks, and for what', () => {
  const consent = (view: Partial<Parameters<typeof consentPage>[1]>): string =>
    scanHtml(
      consentPage(presentation, {
        action: '/consent',
        hidden: [],
        requester: { clientId: 'app', redirectUri: 'https://app.example/cb', verified: true },
        person: { username: 'ada' },
        scopes: [],
        lifetime: { kind: 'until_withdrawn' },
        ...view,
      }).body,
    ).text
  const asked = (redirectUri: string): string =>
    consent({ requester: { clientId: 'app', redirectUri, verified: true } })

  test.each([
    ['https://app.example:8443/cb?x=1', 'return to app.example:8443.'],
    ['https://app.example@evil.example/cb', 'return to evil.example.'],
    ['https://аpp.example/cb', 'return to xn--pp-6kc.example.'],
    ['http://127.0.0.1:51004/cb', 'return to a program on this computer.'],
    ['http://[::1]:51004/cb', 'return to a program on this computer.'],
    ['http://localhost/cb', 'return to a program on this computer.'],
    ['http://localhost.evil.example/cb', 'return to localhost.evil.example.'],
    ['com.example.app:/cb', 'return to the app com.example.app on this device.'],
  ])('B27: %s is shown as the place that it is', (redirectUri, text) => {
    expect(asked(redirectUri)).toContain(text)
  })

  test('B27: an unverified application is called that, and more so if it asks for much', () => {
    const requester = { clientId: 'app', redirectUri: 'https://app.example/cb', verified: false }
    expect(consent({})).not.toContain('Unverified')
    expect(consent({ requester })).toContain('Unverified')
    expect(consent({ requester })).toContain('Nobody here has checked who runs this application.')
    expect(consent({ requester, scopes: [{ scope: 'admin:read' }] })).toContain('asks for far-reaching access')
    expect(
      consent({ requester, scopes: [{ scope: 'administer', resources: [{ name: 'https://api.example' }] }] }),
    ).not.toContain('far-reaching')
  })

  test.each([
    [{ scope: 'openid' }, 'Know who you are'],
    [{ scope: 'admin' }, 'Administer this server'],
    [{ scope: 'read' }, 'Use the permission “read”'],
    [
      { scope: 'read', resources: [{ name: 'https://api.example', description: 'Read your notes' }] },
      'Read your notes',
    ],
    [{ scope: 'constructor' }, 'Use the permission “constructor”'],
    [{ scope: 'openid.detail' }, 'Use the permission “openid.detail”'],
    [{ scope: 'named' }, 'Use the permission “named”'],
  ])('%o is asked for in words', (wish, text) => {
    expect(consent({ scopes: [wish] })).toContain(text)
  })

  test('an API that calls its scope like one of ours gets its own words, not ours', () => {
    expect(consent({ scopes: [{ scope: 'admin', resources: [{ name: 'https://api.example' }] }] })).not.toContain(
      'Administer this server',
    )
  })

  test('how long it lasts is said in words', () => {
    expect(consent({ lifetime: { kind: 'until_withdrawn', atMost: 2_592_000 } })).toContain(
      'until you withdraw it, at most 30 days.',
    )
    expect(consent({ lifetime: { kind: 'until_withdrawn' } })).toContain('until you withdraw it.')
    expect(consent({ lifetime: { kind: 'for', seconds: 900 } })).toContain('ends by itself after 15 minutes.')
  })

  test.each(['', '   ', '\u200B\u2060', '\u202E'])(
    'a name that can’t be seen (%j) is replaced by the client id',
    (name) => {
      const requester = { clientId: 'app-7', name, redirectUri: 'https://app.example/cb', verified: true }
      expect(consent({ requester })).toContain('Allow app-7 to use your account?')
    },
  )

  test('a long name is cut', () => {
    const requester = { clientId: 'app', name: '𝔸'.repeat(3000), redirectUri: 'https://app.example/cb', verified: true }
    expect(consent({ requester })).toContain(`Allow ${'𝔸'.repeat(80)}… to use`)
  })

  test.each(['javascript:alert(1)', 'data:text/html,a', 'https://app.example@evil.example/', '//evil', 'nonsense'])(
    'a policy link to %s is left out',
    (policyUri) => {
      const requester = { clientId: 'app', redirectUri: 'https://app.example/cb', verified: true, policyUri }
      expect(consent({ requester })).not.toContain('Privacy policy')
    },
  )
})

describe('errors', () => {
  test('every code of the authorization endpoint has words of its own', () => {
    const other = scanHtml(errorPage(presentation, { error: 'unheard_of' }).body).text
    expect(other).toContain('That didn’t work')
    for (const error of [
      'invalid_request',
      'invalid_client',
      'unauthorized_client',
      'access_denied',
      'server_error',
      'forbidden',
    ]) {
      expect(scanHtml(errorPage(presentation, { error }).body).text, error).not.toContain('That didn’t work')
    }
  })

  test.each(['__proto__', 'constructor', 'other', 'details', 'too_many_requests'])(
    'a code named %s is only a code',
    (error) => {
      const page = errorPage(presentation, { error })
      expect(page.status).toBe(400)
      expect(scanHtml(page.body).text).toContain('That didn’t work')
    },
  )

  test('RFC 9110 §10.2.3: Retry-After is whole seconds, never less than one', () => {
    const page = retryLaterPage(presentation, { error: 'temporarily_unavailable', retryAfter: 0 })
    expect(new Map(page.headers).get('retry-after')).toBe('1')
  })
})

test('every page, and every form and list on one, is in the gallery', () => {
  const folder = fileURLToPath(new URL('../../src/pages/', import.meta.url))
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const importsOf = (path: string): string[] =>
    [...readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, to = '']) => resolve(dirname(path), to))
  const used = new Set(
    [...files.map((name) => join(folder, name)), fileURLToPath(new URL('gallery.ts', import.meta.url))].flatMap(
      importsOf,
    ),
  )
  // Letters are looked at where they are sent.
  expect(files.filter((name) => !used.has(join(folder, name)))).toEqual(['letter.ts'])
})
