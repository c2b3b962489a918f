import { expect, test } from 'vitest'
import { isSessionAlive, sessionExpiry, startSession } from '../../src/domain/session-state.ts'
import type { User } from '../../src/domain/user.ts'

const user: User = {
  v: 1,
  userId: 'usr_ada',
  username: 'ada',
  emailVerified: false,
  role: 'editor',
  bot: false,
  scopes: [],
  epoch: 5,
  locked: false,
  createdAt: 0,
  updatedAt: 0,
}
const instance = { v: 1, instanceId: 'i', generation: 0, epoch: 3, highWaterAt: 0, createdAt: 0 } as const
const start = { instance, user, now: 100, amr: ['pwd'], acr: 'pwd', nonce: 'n', keyId: 'k', device: 'd' }
const session = startSession({ ...start, persistent: false })
const whole = { session, user, instance }
const last = sessionExpiry(session) - 1

test('a session is alive up to its expiry, whether or not its record is still there', () => {
  expect([isSessionAlive(whole, last), isSessionAlive(whole, last + 1)]).toEqual([true, false])
})

test.each([
  ['has ended', { session: { ...session, ended: { at: 1, actor: 'x', address: 'y' } } }],
  ['is somebody else’s', { user: { ...user, userId: 'usr_eve' } }],
  ['is of a locked account', { user: { ...user, locked: true } }],
  ['is of an account that became a bot', { user: { ...user, bot: true } }],
  ['is of before a bump of the account', { user: { ...user, epoch: 6 } }],
  ['is of before a bump of the instance', { instance: { ...instance, epoch: 4 } }],
])('one that %s is not', (_, other) => {
  expect(isSessionAlive({ ...whole, ...other }, last)).toBe(false)
})
