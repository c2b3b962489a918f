import { beforeEach, describe, expect, test } from 'vitest'
import type { Changing, FactorsChanged } from '../../src/accounts/change-factors.ts'
import { findFactors } from '../../src/accounts/find-factors.ts'
import { removeFactor } from '../../src/accounts/remove-factor.ts'
import { renamePasskey } from '../../src/accounts/rename-passkey.ts'
import { renewRecoveryCodes } from '../../src/accounts/renew-recovery-codes.ts'
import { createClient } from '../../src/accounts/create-client.ts'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { signOut } from '../../src/accounts/end-session.ts'
import { epochOf } from '../../src/domain/epoch.ts'
import type { Factors } from '../../src/domain/factors.ts'
import { create, put, ref, type Kind, type RecordValues } from '../../src/domain/record.ts'
import { startSession } from '../../src/domain/session-state.ts'
import type { User } from '../../src/domain/user.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { cli, done, makeUser, openHouse, type House } from './house.ts'

let house: House
let user: User
const address = '192.0.2.7'
const passkey = { id: 'one', publicKey: 'AA', counter: 0, synced: false, name: 'Phone', createdAt: 1 }
const factors: Factors = {
  v: 1,
  authenticator: { sealed: 'sealed', lastStep: 0, createdAt: 1 },
  passkeys: [passkey],
  recoveryHashes: ['hash'],
}

beforeEach(async () => {
  house = await openHouse()
  user = await makeUser(house, { username: 'ada' })
  await make('factors', user.userId, factors)
})

const make = <K extends Kind>(kind: K, id: string, value: RecordValues[K], expiresAt: number | null = null) =>
  commitNew(house.transition, [create(ref(kind, id), value, { owners: [user.userId], expiresAt })])
const change = <K extends Kind>(kind: K, id: string, to: (value: RecordValues[K]) => RecordValues[K]) =>
  transition(house.transition, { slot: ref(kind, id) }, ({ slot }) => ({
    writes: [put(slot, to(slot.value as RecordValues[K]), { expiresAt: null })],
    result: undefined,
  }))
const instance = async () => {
  const found = await readAlive(house.store, ref('instance', 'self'), house.clock.seconds())
  if (found === undefined) throw new Error('no instance')
  return found
}

/** A browser in which both factors were shown just now. */
async function inBrowser(): Promise<Changing> {
  const session = startSession({
    user,
    instance: await instance(),
    now: house.clock.seconds(),
    persistent: false,
    amr: ['pwd', 'otp', 'mfa'],
    acr: 'mfa',
    nonce: 'nonce',
    keyId: 'key',
    device: 'Firefox',
  })
  await make('session', 'session', session)
  return { user, standing: { sessionId: 'session' }, address }
}

/** An application with a token of such a sign-in. */
async function byToken(acr = 'mfa'): Promise<Changing> {
  const wanted = { client_id: 'app', redirect_uris: ['https://app.example/cb'], scope: 'me' }
  const { client } = done(await createClient(house, cli, wanted))
  const epoch = epochOf(await instance(), user, client)
  const authentication = { authTime: house.clock.seconds(), acr, amr: ['pwd'] }
  const about = { clientId: 'app', userId: user.userId, scope: ['me'], resources: [], epoch, authentication }
  await make('grant', 'grant', { v: 1, ...about, createdAt: house.clock.seconds() })
  return { user, standing: { token: { clientId: 'app', gid: 'grant', jti: 'jti', epoch, acr } }, address }
}

const changes: readonly [name: string, (asked: Changing) => Promise<FactorsChanged>][] = [
  ['removing an authenticator', (asked) => removeFactor(house, asked, 'authenticator')],
  ['removing a passkey', (asked) => removeFactor(house, asked, { passkey: 'one' })],
  ['renaming a passkey', (asked) => renamePasskey(house, asked, { passkey: 'one', name: 'Tablet' })],
  ['renewing recovery codes', (asked) => renewRecoveryCodes(house, asked)],
]

/** What may happen between the look at who asks and the commit. */
const ends: readonly [name: string, from: () => Promise<Changing>, (asked: Changing) => Promise<unknown>][] = [
  [
    'the session was ended',
    inBrowser,
    () => signOut(house, { actor: { kind: 'user', user, scopes: [] }, user, address }, 'session'),
  ],
  ['the sign-in is too long ago', inBrowser, async () => house.wait(301)],
  ['the account was bumped', inBrowser, () => revokeTokens(house, { actor: cli, userId: user.userId })],
  ['the account was locked', inBrowser, () => change('user', user.userId, (value) => ({ ...value, locked: true }))],
  [
    'the session never showed a second factor',
    inBrowser,
    () => change('session', 'session', (value) => ({ ...value, acr: 'pwd', amr: ['pwd'] })),
  ],
  ['the account was bumped, by token', byToken, () => revokeTokens(house, { actor: cli, userId: user.userId })],
  ['the grant was revoked', byToken, () => change('grant', 'grant', (value) => ({ ...value, revokedAt: 1 }))],
  ['the token was revoked', byToken, () => make('revoked', 'jti', { v: 1, at: 1 })],
  ['the client was switched off', byToken, () => change('client', 'app', (value) => ({ ...value, disabled: true }))],
  ['the token’s sign-in showed a password alone', () => byToken('pwd'), async () => undefined],
]

describe.each(changes)('L4: %s', (_, attempt) => {
  test.each(ends)('does nothing after %s', async (_name, from, meanwhile) => {
    const asked = await from()
    await meanwhile(asked)
    expect(await attempt(asked)).toEqual({ refused: 'gone' })
    expect(await findFactors(house, user.userId)).toEqual(factors)
    expect((await house.events()).filter(({ type }) => /^(?:factor|recovery)/.test(type))).toEqual([])
  })

  test.each([
    ['browser', inBrowser],
    ['token', byToken],
  ] as const)('is done from a %s that still stands', async (_name, from) => {
    expect(await attempt(await from())).toHaveProperty('recoveryCodes')
    expect(await findFactors(house, user.userId)).not.toEqual(factors)
    expect((await house.events()).filter(({ type }) => /^(?:factor|recovery)/.test(type))).toHaveLength(1)
  })
})

test('the last factor takes the recovery codes with it, in one commit', async () => {
  const asked = await inBrowser()
  await removeFactor(house, asked, { passkey: 'one' })
  expect(await findFactors(house, user.userId)).toMatchObject({ recoveryHashes: ['hash'] })
  await removeFactor(house, asked, 'authenticator')
  expect(await findFactors(house, user.userId)).toBeUndefined()
  expect(await renewRecoveryCodes(house, asked)).toEqual({ refused: 'not_found' })
})
