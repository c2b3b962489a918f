import { describe, expect, test } from 'vitest'
import type { Prompt } from '../../src/protocol/prompt.ts'
import type { AuthorizationRequest } from '../../src/domain/interaction.ts'
import { nextStep, type SignedIn, type StepInput } from '../../src/domain/next-step.ts'
import { authenticationOf, provedRecently, startSession } from '../../src/domain/session-state.ts'
import { judgePromise } from '../../src/domain/sign-in-promise.ts'
import { strengthen } from '../../src/domain/authentication-context.ts'
import { toldContext } from '../../src/domain/needed-context.ts'
import type { User } from '../../src/domain/user.ts'
import type { Consent } from '../../src/domain/consent.ts'
import { client, instance, start, user } from './fixtures.ts'

const request: AuthorizationRequest = {
  clientId: 'app',
  redirectUri: 'https://app.example/cb',
  responseType: 'code',
  responseMode: 'query',
  scope: ['openid', 'read'],
  resources: [],
  codeChallenge: 'x'.repeat(43),
  prompt: [],
  uiLocales: [],
}

function sessionAt(authTime: number, untold = false): SignedIn {
  const session = startSession({
    user,
    ...(untold && { proved: { authTime, untold } }),
    instance,
    now: authTime,
    persistent: false,
    amr: ['pwd'],
    acr: 'pwd',
    nonce: 'n',
    keyId: 'k',
    device: 'test',
  })
  return { sessionId: 's1', session, user }
}

const signedIn = sessionAt(start)
const strong: SignedIn = {
  ...signedIn,
  session: { ...signedIn.session, ...strengthen(signedIn.session, ['otp']) },
}

const agreed: Consent = {
  v: 1,
  userId: user.userId,
  clientId: 'app',
  scope: ['openid', 'read'],
  resources: [],
  claims: [],
  epoch: user.epoch,
  givenAt: start,
}

function step(changed: Partial<Omit<StepInput, 'request'>> & { request?: Partial<AuthorizationRequest> } = {}) {
  const next = nextStep({
    client,
    signedIn: sessionAt(start),
    consent: agreed,
    progress: undefined,
    now: start + 100,
    secondFactorRoles: [],
    ...changed,
    request: { ...request, ...changed.request },
  })
  return 'reason' in next ? `${next.step}:${next.reason}` : next.step
}

const prompts = (...prompt: Prompt[]) => ({ request: { prompt } })
/** The person signed in again for this very request. */
const proved = {
  signedIn: sessionAt(start + 90),
  progress: { createdAt: start + 80, sessionId: 's1', authenticatedAt: start + 90 },
}

describe('nextStep', () => {
  test.each<[string, string, Parameters<typeof step>[0]]>([
    ['a live session and a consent that covers it', 'issue', {}],
    ['nobody signed in', 'sign-in:no_session', { signedIn: undefined }],
    ['OIDC Core §3.1.2.1: prompt=login with a session', 'sign-in:prompt', prompts('login')],
    ['prompt=login after a fresh sign-in for this request', 'issue', { ...prompts('login'), ...proved }],
    [
      'prompt=login: a sign-in from before the request is not fresh',
      'sign-in:prompt',
      { ...prompts('login'), progress: { createdAt: start + 80, sessionId: 's1', authenticatedAt: start + 90 } },
    ],
    [
      'prompt=login: a fresh sign-in in another session counts for nothing',
      'sign-in:prompt',
      { ...prompts('login'), ...proved, progress: { ...proved.progress, sessionId: 'other' } },
    ],
    ['max_age: an old session', 'sign-in:max_age', { request: { maxAge: 99 } }],
    ['max_age: young enough', 'issue', { request: { maxAge: 100 } }],
    ['max_age=0 always asks', 'sign-in:max_age', { request: { maxAge: 0 }, now: start }],
    ['max_age=0 after a fresh sign-in', 'issue', { request: { maxAge: 0 }, ...proved }],
    ['another subject than asked for', 'sign-in:other_subject', { request: { subject: 'usr_2' } }],
    ['the subject asked for', 'issue', { request: { subject: 'usr_1' } }],
    ['select_account before a choice', 'choose-account', prompts('select_account')],
    [
      'select_account after "continue as"',
      'issue',
      { ...prompts('select_account'), progress: { createdAt: start + 50, sessionId: 's1' } },
    ],
    ['no consent yet', 'consent', { consent: undefined }],
    ['prompt=consent although it is remembered', 'consent', prompts('consent')],
    ['more scope than remembered', 'consent', { request: { scope: ['openid', 'read', 'write'] } }],
    ['another resource than remembered', 'consent', { request: { resources: ['https://api.example'] } }],
    [
      'a single claim that was not agreed to',
      'consent',
      { request: { claims: { idToken: {}, userinfo: { email: { essential: false } } } } },
    ],
    ['a consent from before the account was revoked', 'consent', { consent: { ...agreed, epoch: user.epoch - 1 } }],
    [
      'B23: a public client whose redirect is not https',
      'consent',
      { client: { ...client, authentication: { method: 'none' }, redirectUris: ['http://127.0.0.1/cb'] } },
    ],
    [
      'a public client with https redirects that an administrator made',
      'issue',
      { client: { ...client, authentication: { method: 'none' } } },
    ],
    ['prompt=none without a session', 'refuse:login_required', { ...prompts('none'), signedIn: undefined }],
    ['prompt=none with an old session', 'refuse:login_required', { request: { prompt: ['none'], maxAge: 1 } }],
    ['prompt=none without consent', 'refuse:consent_required', { ...prompts('none'), consent: undefined }],
    ['prompt=none with everything there', 'issue', prompts('none')],
    [
      'OIDC Core §5.5.1.1: an essential acr that can’t be met here',
      'refuse:acr_unmet',
      { request: { claims: { idToken: { acr: { essential: true, values: ['urn:eid'] } }, userinfo: {} } } },
    ],
    [
      'an essential acr that a second factor meets',
      'second-factor',
      { request: { claims: { idToken: { acr: { essential: true, values: ['urn:eid', 'mfa'] } }, userinfo: {} } } },
    ],
    ['RFC 9470 §4: acr_values that a second factor meets', 'second-factor', { request: { acrValues: ['mfa'] } }],
    ['acr_values of which one is met', 'issue', { request: { acrValues: ['mfa', 'pwd'] } }],
    ['acr_values that are met', 'issue', { request: { acrValues: ['mfa'] }, signedIn: strong }],
    [
      'a voluntary acr claim is as acr_values',
      'second-factor',
      { request: { claims: { idToken: { acr: { essential: false, values: ['mfa'] } }, userinfo: {} } } },
    ],
    [
      'a voluntary acr that nobody knows is no wish',
      'issue',
      {
        consent: { ...agreed, claims: ['acr'] },
        request: { claims: { idToken: { acr: { essential: false, values: ['urn:eid'] } }, userinfo: {} } },
      },
    ],
    ['a client that requires a second factor', 'second-factor', { client: { ...client, requireSecondFactor: true } }],
    [
      'a client that requires a second factor, and it was shown',
      'issue',
      { client: { ...client, requireSecondFactor: true }, signedIn: strong },
    ],
    ['a role that has to have a second factor', 'second-factor', { secondFactorRoles: [user.role] }],
    ['another role', 'issue', { secondFactorRoles: ['superuser'] }],
    [
      'a client that requires it, whatever acr_values are met',
      'second-factor',
      { client: { ...client, requireSecondFactor: true }, request: { acrValues: ['pwd'] } },
    ],
    ['an old session is asked for all of it', 'sign-in:max_age', { request: { maxAge: 99, acrValues: ['mfa'] } }],
    ['select_account comes first', 'choose-account', { request: { prompt: ['select_account'], acrValues: ['mfa'] } }],
    [
      'prompt=none and a second factor that wasn’t shown',
      'refuse:acr_unmet',
      { request: { prompt: ['none'], acrValues: ['mfa'] } },
    ],
    [
      'an essential acr that is met',
      'consent',
      {
        consent: undefined,
        request: { claims: { idToken: { acr: { essential: true, values: ['mfa', 'pwd'] } }, userinfo: {} } },
      },
    ],
  ])('%s → %s', (_, expected, changed) => {
    expect(step(changed)).toBe(expected)
  })
})

describe('RFC 9470 §5: a sign-in of an unknown time', () => {
  const untold = { signedIn: sessionAt(start, true), now: start }
  const progress = { createdAt: start - 5, sessionId: 's1', authenticatedAt: start }

  test('is one, where nobody asks how old', () => {
    expect(step(untold)).toBe('issue')
  })
  test.each([{ maxAge: 0 }, { maxAge: 600 }, { prompt: ['login'] as const }])('is none that meets %o', (asked) => {
    const reason = 'maxAge' in asked ? 'max_age' : 'prompt'
    expect(step({ ...untold, request: asked })).toBe(`sign-in:${reason}`)
    // Nor by having come about for this very request.
    expect(step({ ...untold, request: asked, progress })).toBe(`sign-in:${reason}`)
    expect(step({ signedIn: sessionAt(start), request: asked, progress, now: start })).toBe('issue')
  })
  test('keeps no promise of a recent one', () => {
    const promise = { userId: user.userId, maxAge: 86_400, amr: [] }
    const judged = (signedIn: SignedIn) =>
      judgePromise(promise, { userId: user.userId, authentication: authenticationOf(signedIn) }, start)
    expect([judged(sessionAt(start)), judged(sessionAt(start, true))]).toEqual(['met', 'too_old'])
  })
  test('changes an account that has no other way to prove itself, and none that has', () => {
    const { passwordHash: _hash, ...without } = user
    const { session } = sessionAt(start, true)
    const recent = (who: User, now: number) => provedRecently({ session, user: who }, now)
    expect(recent({ ...without, passwordHash: 'x' }, start)).toBe(false)
    expect([recent(without, start + 300), recent(without, start + 301)]).toEqual([true, false])
  })
})

test.each<[string, string, SignedIn, Partial<AuthorizationRequest>]>([
  ['nothing was asked: how it was', 'mfa', strong, {}],
  ['what was asked and is met', 'pwd', strong, { acrValues: ['pwd'] }],
  ['the first that is met', 'mfa', strong, { acrValues: ['mfa', 'pwd'] }],
  ['what was asked and isn’t met is never told', 'pwd', signedIn, { acrValues: ['mfa'] }],
  [
    'an essential one before a wish',
    'mfa',
    strong,
    { acrValues: ['pwd'], claims: { idToken: { acr: { essential: true, values: ['mfa'] } }, userinfo: {} } },
  ],
])('acr: %s', (_, told, { session }, asked) => expect(toldContext(session, asked)).toBe(told))

test('a sign-in that is strengthened stays as old as it was, and as untold', () => {
  const old = sessionAt(start - 500, true)
  const session = { ...old.session, ...strengthen(old.session, ['otp']) }
  expect(session).toEqual({ ...old.session, acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] })
})
