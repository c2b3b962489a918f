import { expect, test } from 'vitest'
import { noFactors } from '../../src/accounts/find-factors.ts'
import type { Factors } from '../../src/domain/factors.ts'
import { startSession } from '../../src/domain/session-state.ts'
import { standsInForPassword, type SignInStanding } from '../../src/domain/stands-in-for-password.ts'
import { instance, start, user } from './fixtures.ts'

const owner = { ...user, passwordHash: 'hash' }
const about = { user: owner, instance, now: start, persistent: false, nonce: 'n', keyId: 'k', device: 'd' }
const byPassword = startSession({ ...about, amr: ['pwd'], acr: 'pwd' })
const byPasskey = startSession({ ...about, amr: ['hwk', 'user', 'mfa'], acr: 'mfa' })
const remembered = {
  ...startSession({ ...about, amr: ['pwd'], acr: 'pwd', persistent: true }),
  lastSeenAt: start + 301,
}
const passkey = { id: 'p', publicKey: 'k', counter: 0, synced: false, name: 'Phone', createdAt: start }
const withPasskey: Factors = { ...noFactors, passkeys: [passkey] }
const codesAlone: Factors = { ...noFactors, recoveryHashes: ['hash'] }
const signedIn: SignInStanding = { session: byPassword, user: owner, instance, factors: undefined }

test.each<[string, Partial<SignInStanding>, number, boolean]>([
  ['by password, just now', {}, start, true],
  ['by password, five minutes ago', {}, start + 300, true],
  ['by password, longer ago', {}, start + 301, false],
  ['by passkey, just now', { session: byPasskey, factors: withPasskey }, start, true],
  ['by passkey, longer ago', { session: byPasskey, factors: withPasskey }, start + 301, false],
  ['by password alone where there is a second factor', { factors: withPasskey }, start, false],
  ['by password where recovery codes are all there is', { factors: codesAlone }, start, true],
  ['remembered, and in use a moment ago', { session: remembered }, start + 301, false],
  ['at a time that nobody knows', { session: { ...byPassword, untold: true } }, start, false],
  ['that has ended', { session: { ...byPassword, ended: { at: start, actor: 'x', address: 'y' } } }, start, false],
  ['that is gone', { session: undefined }, start, false],
  ['of another account', { session: { ...byPassword, userId: 'usr_2' } }, start, false],
  ['of an account that is gone', { user: undefined }, start, false],
  ['of a locked account', { user: { ...owner, locked: true } }, start, false],
  ['from before the account was put out', { user: { ...owner, epoch: owner.epoch + 1 } }, start, false],
  ['from before everybody was put out', { instance: { ...instance, epoch: 2 } }, start, false],
  ['in a house that isn’t there', { instance: undefined }, start, false],
])('a sign-in %s', (_, differs, now, does) => {
  expect(standsInForPassword({ ...signedIn, ...differs }, now)).toBe(does)
})
