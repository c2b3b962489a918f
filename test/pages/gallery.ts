import { createHash } from 'node:crypto'
import { accountPage } from '../../src/pages/account-page.ts'
import { passkeyList } from '../../src/pages/account/passkey-list.ts'
import { authenticatorCard, newAuthenticatorForm } from '../../src/pages/account/authenticator-form.ts'
import { recoveryCodesForm } from '../../src/pages/account/recovery-codes.ts'
import { recoveryCodesPage } from '../../src/pages/recovery-codes-page.ts'
import { secondFactorPage } from '../../src/pages/second-factor-page.ts'
import { accessList } from '../../src/pages/account/access-list.ts'
import { emailForm } from '../../src/pages/account/email-form.ts'
import { letterSentPage } from '../../src/pages/letter-sent-page.ts'
import { confirmEmailForm, invitationForm, makeAccountForm, newPasswordForm } from '../../src/pages/letter-forms.ts'
import { askCodeForm, typeCodeForm } from '../../src/pages/mail-code-forms.ts'
import { recoverForm } from '../../src/pages/recover-form.ts'
import { registerForm } from '../../src/pages/register-form.ts'
import { connectionList } from '../../src/pages/account/connection-list.ts'
import { deleteForm } from '../../src/pages/account/delete-form.ts'
import { exportForm } from '../../src/pages/account/export-form.ts'
import { passwordForm } from '../../src/pages/account/password-form.ts'
import { profileForm } from '../../src/pages/account/profile-form.ts'
import type { SectionForm } from '../../src/pages/account/section-form.ts'
import { formPage } from '../../src/pages/form-page.ts'
import { tokenList } from '../../src/pages/account/token-list.ts'
import { tokenMadePage } from '../../src/pages/token-made-page.ts'
import { sessionList } from '../../src/pages/account/session-list.ts'
import { consentPage } from '../../src/pages/consent-page.ts'
import { continuePage } from '../../src/pages/continue-page.ts'
import { errorPage } from '../../src/pages/error-page.ts'
import { formPostPage } from '../../src/pages/form-post-page.ts'
import { homePage } from '../../src/pages/home-page.ts'
import { createLook } from '../../src/pages/look.ts'
import { connectPage } from '../../src/pages/connect-page.ts'
import { connectedPage } from '../../src/pages/connected-page.ts'
import { identitiesPage } from '../../src/pages/identities-page.ts'
import { newcomerPage } from '../../src/pages/newcomer-page.ts'
import { notFoundPage } from '../../src/pages/not-found-page.ts'
import type { Page, Presentation } from '../../src/pages/page.ts'
import { retryLaterPage } from '../../src/pages/retry-later-page.ts'
import { signInPage } from '../../src/pages/sign-in-page.ts'
import { siteLoginPage } from '../../src/pages/site-login-page.ts'
import { dischargedPage, dischargePage, undischargedPage } from '../../src/pages/discharge-page.ts'
import { signOutPage } from '../../src/pages/sign-out-page.ts'
import { signedOutPage } from '../../src/pages/signed-out-page.ts'
import { staleInteractionPage } from '../../src/pages/stale-interaction-page.ts'

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')

export const look = createLook(
  { privacyPolicy: 'https://example.org/privacy', terms: 'https://example.org/terms' },
  sha256,
)

export const presentation: Presentation = { look, language: 'en' }

/** Everything that a page may show and that somebody else may have chosen. */
export type Words = {
  readonly clientId: string
  readonly clientName: string
  readonly redirectUri: string
  readonly policyUri: string
  readonly username: string
  readonly fullName: string
  readonly email: string
  readonly device: string
  readonly scope: string
  readonly description: string
  readonly resource: string
  readonly state: string
  readonly error: string
  readonly reference: string
  readonly fieldName: string
}

export const words: Words = {
  clientId: 'aurora-notes',
  clientName: 'Aurora Notes',
  redirectUri: 'https://notes.example/callback',
  policyUri: 'https://notes.example/privacy',
  username: 'ada',
  fullName: 'Ada Lovelace',
  email: 'ada@example.org',
  device: 'Firefox on Linux',
  scope: 'notes:write',
  description: 'Read and write your notes',
  resource: 'https://api.notes.example',
  state: 'qPz3-c2V0IGFuZCBtYXRjaA',
  error: 'invalid_request',
  reference: '01JD8X4N7V2Q9M5R3T6W8Y0ZAB',
  fieldName: 'csrf',
}

export type Example = { readonly name: string; readonly render: (presentation: Presentation, words: Words) => Page }

const requester = (w: Words, verified: boolean) => ({
  clientId: w.clientId,
  name: w.clientName,
  redirectUri: w.redirectUri,
  policyUri: w.policyUri,
  tosUri: 'https://notes.example/terms',
  verified,
})
const person = (w: Words) => ({ username: w.username, fullName: w.fullName })
const hidden = (w: Words) => [
  { name: w.fieldName, value: w.state },
  { name: 'interaction', value: w.reference },
]
const signIn = (w: Words) => ({ action: '/signin', hidden: hidden(w), requester: requester(w, true) })
const secondFactor = (w: Words) => ({ action: '/second-factor', hidden: hidden(w), person: person(w) })
const consent = (w: Words) => ({
  action: '/consent',
  hidden: hidden(w),
  person: person(w),
  otherAccount: '/signin',
})

const section = (p: Presentation, w: Words): SectionForm => ({
  language: p.language,
  action: '/account/x',
  hidden: hidden(w),
})

/** Every page in every state worth looking at. The name is the picture's and the test's. */
export const gallery: readonly Example[] = [
  { name: 'home', render: (p) => homePage(p, home) },
  { name: 'home-signed-in', render: (p, w) => homePage(p, { ...home, person: person(w) }) },
  { name: 'sign-in', render: (p, w) => signInPage(p, signIn(w)) },
  { name: 'sign-in-plain', render: (p, w) => signInPage(p, { action: '/signin', hidden: hidden(w) }) },
  {
    name: 'sign-in-ways',
    render: (p, w) =>
      signInPage(p, { ...signIn(w), register: '/register', recover: '/recover', mailCode: '/signin/code' }),
  },
  {
    name: 'sign-in-again',
    render: (p, w) =>
      signInPage(p, { ...signIn(w), requester: requester(w, false), username: w.username, again: true }),
  },
  {
    name: 'sign-in-providers',
    render: (p, w) =>
      signInPage(p, {
        ...signIn(w),
        providers: [{ name: 'hub', title: w.clientName, href: '/signin/with/hub' }],
        problem: { kind: 'providerUnknown', provider: w.clientName },
      }),
  },
  {
    name: 'site-login',
    render: (p, w) =>
      siteLoginPage(p, {
        aim: 'sign-in',
        action: '/signin/with/forum',
        hidden: hidden(w),
        site: w.clientName,
        username: w.username,
        sessionLengths: [86_400, 3600],
        sessionLength: 3600,
        problem: { kind: 'locked' },
      }),
  },
  {
    name: 'link-site',
    render: (p, w) =>
      siteLoginPage(p, {
        aim: 'add',
        action: '/account/identities/with/forum',
        hidden: hidden(w),
        site: w.clientName,
        username: w.username,
        sessionLengths: [86_400, 3600],
        sessionLength: 3600,
        problem: { kind: 'wrong' },
      }),
  },
  {
    name: 'newcomer',
    render: (p, w) =>
      newcomerPage(p, {
        action: '/signup',
        hidden: hidden(w),
        provider: w.clientName,
        label: w.fullName,
        username: w.username,
        problem: 'taken',
      }),
  },
  {
    name: 'connect-code',
    render: (p, w) =>
      connectPage(p, {
        action: '/vault/connect/ticket',
        hidden: hidden(w),
        provider: w.clientName,
        scopes: ['listings_r', 'listings_w'],
        address: '2001:db8:1:2:3:4:5:6',
        startedAt: 1_795_000_000,
        problem: 'code',
      }),
  },
  {
    name: 'connect-own',
    render: (p, w) =>
      connectPage(p, {
        action: '/vault/connect/ticket',
        hidden: hidden(w),
        provider: w.clientName,
        scopes: ['listings_r'],
        address: '198.51.100.7',
        startedAt: 1_795_000_000,
        renews: true,
        client: { clientId: 'web', name: 'The Shop' },
        person: { username: w.username, fullName: w.fullName },
      }),
  },
  {
    name: 'vault-connected',
    render: (p, w) => connectedPage(p, { provider: w.clientName, outcome: 'connected', confirmationCode: 'BCDF-GHJK' }),
  },
  {
    name: 'vault-another-account',
    render: (p, w) =>
      connectedPage(p, { provider: w.clientName, outcome: 'anotherAccount', confirmationCode: undefined }),
  },
  {
    name: 'vault-denied',
    render: (p, w) => connectedPage(p, { provider: w.clientName, outcome: 'denied', confirmationCode: undefined }),
  },
  {
    name: 'identities',
    render: (p, w) =>
      identitiesPage(p, {
        linked: [{ provider: 'hub', title: w.clientName, label: w.fullName, linkedAt: 1_795_000_000 }],
        addable: [{ provider: 'forge', title: w.clientName }],
        hidden: hidden(w),
        problem: 'other',
      }),
  },
  {
    name: 'sign-in-wrong',
    render: (p, w) => signInPage(p, { ...signIn(w), username: w.username, problem: { kind: 'wrong_credentials' } }),
  },
  {
    name: 'sign-in-locked',
    render: (p, w) => signInPage(p, { ...signIn(w), username: w.username, problem: { kind: 'locked' } }),
  },
  {
    name: 'sign-in-throttled',
    render: (p, w) =>
      signInPage(p, {
        ...signIn(w),
        username: w.username,
        remember: true,
        problem: { kind: 'throttled', retryAfter: 300 },
      }),
  },
  {
    name: 'sign-in-busy',
    render: (p, w) => signInPage(p, { ...signIn(w), username: w.username, problem: { kind: 'busy', retryAfter: 5 } }),
  },
  {
    name: 'second-factor',
    render: (p, w) => secondFactorPage(p, { ...secondFactor(w), requester: requester(w, true) }),
  },
  {
    name: 'second-factor-wrong',
    render: (p, w) => secondFactorPage(p, { ...secondFactor(w), problem: { kind: 'wrong' } }),
  },
  {
    name: 'second-factor-passkey',
    render: (p, w) =>
      secondFactorPage(p, {
        ...secondFactor(w),
        passkey: { challenge: 'AAAA', rpId: 'login.example.org', allow: ['q1Xo0b2J4n8'] },
      }),
  },
  {
    name: 'sign-in-passkey',
    render: (p, w) =>
      signInPage(p, {
        ...signIn(w),
        passkey: { action: '/signin/passkey', ask: { challenge: 'AAAA', rpId: 'login.example.org', allow: [] } },
      }),
  },
  {
    name: 'second-factor-throttled',
    render: (p, w) => secondFactorPage(p, { ...secondFactor(w), problem: { kind: 'throttled', retryAfter: 500 } }),
  },
  {
    name: 'second-factor-missing',
    render: (p, w) =>
      secondFactorPage(p, { ...secondFactor(w), requester: requester(w, true), enrol: '/account/authenticator' }),
  },
  {
    name: 'continue',
    render: (p, w) =>
      continuePage(p, { action: '/continue', hidden: hidden(w), person: person(w), requester: requester(w, true) }),
  },
  {
    name: 'consent',
    render: (p, w) =>
      consentPage(p, {
        ...consent(w),
        requester: requester(w, true),
        scopes: [
          { scope: 'openid', required: true },
          { scope: 'profile' },
          { scope: 'email' },
          { scope: w.scope, resources: [{ name: w.resource, description: w.description }] },
          { scope: 'offline_access' },
        ],
        lifetime: { kind: 'until_withdrawn', atMost: 30 * 86_400 },
      }),
  },
  {
    name: 'consent-unverified',
    render: (p, w) =>
      consentPage(p, {
        ...consent(w),
        requester: { clientId: w.clientId, name: w.clientName, redirectUri: w.redirectUri, verified: false },
        scopes: [
          { scope: 'openid', required: true },
          { scope: 'admin' },
          {
            scope: w.scope,
            resources: [{ name: w.resource, description: w.description }, { name: w.clientName }],
            ticked: false,
          },
        ],
        apis: [w.resource],
        lifetime: { kind: 'for', seconds: 900 },
      }),
  },
  {
    name: 'form-post',
    render: (p, w) =>
      formPostPage(p, {
        requester: requester(w, true),
        parameters: [
          { name: 'code', value: 'gth_ac_x' },
          { name: 'state', value: w.state },
        ],
      }),
  },
  {
    name: 'discharge',
    render: (p, w) => dischargePage(p, { action: '/oauth/discharge', hidden: hidden(w), person: person(w) }),
  },
  { name: 'discharged', render: (p) => dischargedPage(p, 'AgEVaHR0cHM6Ly9sb2dpbi5leGFtcGxl') },
  { name: 'undischarged', render: (p) => undischargedPage(p) },
  {
    name: 'sign-out',
    render: (p, w) =>
      signOutPage(p, { action: '/oauth/logout', hidden: hidden(w), person: person(w), requester: requester(w, true) }),
  },
  {
    name: 'signed-out',
    render: (p, w) => signedOutPage(p, { signIn: '/signin', back: { ...requester(w, true), url: w.policyUri } }),
  },
  {
    name: 'account',
    render: (p, w) =>
      accountPage(p, {
        person: person(w),
        email: { address: w.email, verified: false },
        session: { signedInAt: 1_795_000_000, endsAt: 1_797_592_000, device: w.device },
        sections: [
          { path: '/account/profile', title: 'profile.title', summary: 'profile.summary' },
          { path: '/account/delete', title: 'delete.title', summary: 'delete.summary' },
        ],
        signOut: '/oauth/logout',
      }),
  },
  {
    name: 'account-profile',
    render: (p, w) =>
      formPage(p, {
        title: 'profile.title',
        problem: { says: 'profile.usernameTaken', status: 400 },
        body: profileForm(section(p, w), { username: w.username, fullName: w.fullName, wrong: 'username' }),
      }),
  },
  {
    name: 'account-password',
    render: (p, w) =>
      formPage(p, {
        title: 'password.title',
        done: 'password.changed',
        body: passwordForm(section(p, w), { username: w.username, hasPassword: true, justSignedIn: false }),
      }),
  },
  {
    name: 'account-password-just-signed-in',
    render: (p, w) =>
      formPage(p, {
        title: 'password.title',
        body: passwordForm(section(p, w), { username: w.username, hasPassword: true, justSignedIn: true }),
      }),
  },
  {
    name: 'account-sessions',
    render: (p, w) =>
      formPage(p, {
        title: 'sessions.title',
        body: sessionList(section(p, w), [
          { id: w.reference, device: w.device, current: true, signedInAt: 1_795_000_000, lastSeenAt: 1_795_000_600 },
          { id: w.state, device: w.device, current: false, signedInAt: 1_795_000_000, lastSeenAt: 1_795_000_600 },
        ]),
      }),
  },
  {
    name: 'account-access',
    render: (p, w) =>
      formPage(p, {
        title: 'access.title',
        body: accessList(section(p, w), {
          consents: [{ clientId: w.clientId, name: w.clientName, scope: ['openid', w.scope], givenAt: 1_795_000_000 }],
          grants: [{ id: w.reference, name: w.clientName, device: w.device, lastUsedAt: 1_795_000_000 }],
        }),
      }),
  },
  {
    name: 'account-access-none',
    render: (p, w) =>
      formPage(p, { title: 'access.title', body: accessList(section(p, w), { consents: [], grants: [] }) }),
  },
  {
    name: 'account-connections',
    render: (p, w) =>
      formPage(p, {
        title: 'connections.title',
        body: connectionList(section(p, w), [
          {
            id: w.reference,
            provider: w.clientName,
            account: w.username,
            client: w.clientName,
            isBroken: true,
            createdAt: 1_795_000_000,
          },
        ]),
      }),
  },
  {
    name: 'account-connections-none',
    render: (p, w) => formPage(p, { title: 'connections.title', body: connectionList(section(p, w), []) }),
  },
  {
    name: 'account-tokens',
    render: (p, w) =>
      formPage(p, {
        title: 'tokens.title',
        problem: { says: 'tokens.jwtLong', status: 400 },
        body: tokenList(section(p, w), {
          tokens: [
            {
              id: w.reference,
              name: w.clientName,
              scope: ['me', w.scope],
              resource: w.resource,
              createdAt: 1_795_000_000,
              expiresAt: 1_797_592_000,
            },
          ],
          apis: [{ resource: w.resource, name: w.clientName }],
          lifetimes: [3_600, 86_400, 2_678_400],
          lifetime: 2_678_400,
          typed: (name) => (name === 'format' ? 'jwt' : name === 'scope' ? w.scope : undefined),
          wrong: 'ttl',
        }),
      }),
  },
  {
    name: 'account-tokens-none',
    render: (p, w) =>
      formPage(p, {
        title: 'tokens.title',
        body: tokenList(section(p, w), { tokens: [], apis: [], lifetimes: [3_600], lifetime: 3_600 }),
      }),
  },
  {
    name: 'account-token-made',
    render: (p, w) => tokenMadePage(p, w.state),
  },
  {
    name: 'account-export',
    render: (p, w) => formPage(p, { title: 'export.title', body: exportForm(section(p, w)) }),
  },
  {
    name: 'account-delete',
    render: (p, w) => formPage(p, { title: 'delete.title', body: deleteForm(section(p, w), {}) }),
  },
  {
    name: 'account-email',
    render: (p, w) =>
      formPage(p, {
        title: 'email.title',
        problem: { says: 'register.emailBad', status: 400 },
        body: emailForm(section(p, w), { now: w.email, verified: false, wrong: 'email' }),
      }),
  },
  {
    name: 'register',
    render: (p, w) =>
      formPage(p, {
        title: 'register.title',
        back: { path: '/signin', label: 'register.have' },
        body: registerForm(section(p, w), {
          username: w.username,
          fullName: w.fullName,
          email: w.email,
          byLetter: true,
        }),
      }),
  },
  {
    name: 'register-weak',
    render: (p, w) =>
      formPage(p, {
        title: 'register.title',
        back: { path: '/signin', label: 'register.have' },
        problem: { says: 'password.weak' },
        body: registerForm(section(p, w), {
          username: w.username,
          fullName: w.fullName,
          email: w.email,
          byLetter: true,
          wrong: 'new_password',
          strength: { score: 1, warning: 'common', suggestions: ['anotherWord', 'l33t'] },
        }),
      }),
  },
  {
    name: 'account-passkeys',
    render: (p, w) =>
      formPage(p, {
        title: 'passkeys.title',
        passkeys: true,
        body: passkeyList(section(p, w), {
          passkeys: [{ id: 'q1Xo0b2J4n8', name: w.device, createdAt: 1_795_000_000, lastUsedAt: 1_795_000_600 }],
          creation: {
            challenge: 'AAAA',
            rp: { id: 'login.example.org', name: 'Gatehouse' },
            user: { id: 'dXNy', name: w.username, displayName: w.fullName },
            exclude: ['q1Xo0b2J4n8'],
            algorithms: [-7],
          },
        }),
      }),
  },
  {
    name: 'account-authenticator-new',
    render: (p, w) =>
      formPage(p, {
        title: 'authenticator.title',
        problem: { says: 'authenticator.wrong', status: 403 },
        body: newAuthenticatorForm(section(p, w), {
          uri: 'otpauth://totp/Gatehouse:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
          secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
          wrong: 'code',
        }),
      }),
  },
  {
    name: 'account-authenticator',
    render: (p, w) =>
      formPage(p, {
        title: 'authenticator.title',
        done: 'authenticator.done',
        body: authenticatorCard(section(p, w), { createdAt: 1_795_000_000 }),
      }),
  },
  {
    name: 'account-recovery-codes',
    render: (p, w) =>
      formPage(p, {
        title: 'recoveryCodes.title',
        body: recoveryCodesForm(section(p, w), { left: 9, offered: true }),
      }),
  },
  {
    name: 'recovery-codes',
    render: (p) => recoveryCodesPage(p, { codes: Array<string>(10).fill('k7dq-2mzx-p4ha-c3ty'), onwards: '/account' }),
  },
  {
    name: 'recover',
    render: (p, w) => formPage(p, { title: 'recover.title', body: recoverForm(section(p, w)) }),
  },
  {
    name: 'mail-code',
    render: (p, w) =>
      formPage(p, {
        title: 'mailCode.title',
        forms: 'client',
        back: { path: '/signin', label: 'mailCode.back' },
        body: askCodeForm(section(p, w)),
      }),
  },
  {
    name: 'mail-code-wrong',
    render: (p, w) =>
      formPage(p, {
        title: 'mailCode.title',
        forms: 'client',
        back: { path: '/signin', label: 'mailCode.back' },
        problem: { says: 'mailCode.wrong', status: 403 },
        body: typeCodeForm(section(p, w), { wrong: true }),
      }),
  },
  { name: 'letter-sent', render: (p) => letterSentPage(p) },
  {
    name: 'letter-register',
    render: (p, w) =>
      formPage(p, {
        title: 'letterPage.register.title',
        problem: { says: 'profile.usernameTaken', status: 400 },
        body: makeAccountForm(section(p, w), { username: w.username, wrong: 'username' }),
      }),
  },
  {
    name: 'letter-invite',
    render: (p, w) =>
      formPage(p, {
        title: 'letterPage.invite.title',
        problem: { says: 'password.weak', status: 400 },
        body: invitationForm(section(p, w), {
          host: 'login.example.org',
          username: w.username,
          fullName: w.fullName,
          wrong: 'new_password',
        }),
      }),
  },
  {
    name: 'letter-confirm',
    render: (p, w) =>
      formPage(p, { title: 'letterPage.confirm.title', body: confirmEmailForm(section(p, w), w.email) }),
  },
  {
    name: 'letter-recover',
    render: (p, w) =>
      formPage(p, {
        title: 'letterPage.recover.title',
        body: newPasswordForm(section(p, w), { username: w.username, wrong: undefined }),
      }),
  },
  {
    name: 'error',
    render: (p, w) =>
      errorPage(p, { error: w.error, description: w.description, reference: w.reference, clientId: w.clientId }),
  },
  {
    name: 'error-redirect',
    render: (p, w) => errorPage(p, { error: 'invalid_redirect_uri', reference: w.reference, clientId: w.clientId }),
  },
  { name: 'error-forbidden', render: (p, w) => errorPage(p, { error: 'forbidden', reference: w.reference }) },
  { name: 'error-server', render: (p, w) => errorPage(p, { error: 'server_error', reference: w.reference }) },
  {
    name: 'stale',
    render: (p, w) =>
      staleInteractionPage(p, {
        status: 403,
        reference: w.reference,
        back: { ...requester(w, true), url: w.policyUri },
      }),
  },
  { name: 'not-found', render: (p, w) => notFoundPage(p, { reference: w.reference }) },
  {
    name: 'too-many-requests',
    render: (p, w) => retryLaterPage(p, { error: 'too_many_requests', retryAfter: 40, reference: w.reference }),
  },
  {
    name: 'unavailable',
    render: (p, w) => retryLaterPage(p, { error: 'temporarily_unavailable', retryAfter: 30, reference: w.reference }),
  },
]

const home = {
  issuer: 'https://login.example.org',
  signIn: '/signin',
  account: '/account',
  metadata: '/.well-known/openid-configuration',
  keys: '/.well-known/jwks.json',
}
