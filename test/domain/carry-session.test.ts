import { expect, test } from 'vitest'
import { carrySession } from '../../src/domain/carry-session.ts'
import type { Imprint } from '../../src/domain/grant.ts'
import { startSession } from '../../src/domain/session-state.ts'
import type { Session } from '../../src/domain/session.ts'
import type { User } from '../../src/domain/user.ts'

const before: User = {
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
const after = { ...before, epoch: 9 }
const instance = { v: 1, instanceId: 'i', generation: 0, epoch: 3, highWaterAt: 0, createdAt: 0 } as const
const start = { instance, now: 100, persistent: false, amr: ['pwd'], acr: 'pwd', nonce: 'n', keyId: 'k', device: 'd' }
const session = startSession({ ...start, user: before })

const carry = (value: Session | undefined, imprint?: Imprint) =>
  carrySession({ kind: 'session', id: 's', version: 'v', value }, [before, after], imprint).flatMap((write) =>
    'value' in write ? [write.value as Session] : [],
  )
const carried = (value: Session | undefined) => carry(value).map(({ epoch }) => epoch)

test('the session of a change goes on under the new epoch', () => {
  expect(carried(session)).toEqual(['3.9'])
})

test('and by another cookie, where its browser gets one', () => {
  expect(carry(session)).toEqual([{ ...session, epoch: '3.9' }])
  expect(carry(session, { nonce: 'm', keyId: 'l' })).toEqual([{ ...session, epoch: '3.9', nonce: 'm', keyId: 'l' }])
})

test.each([
  ['one that was dead before', { ...session, epoch: '3.4' }],
  ['one of another account', { ...session, userId: 'usr_eve' }],
  ['one that has ended', { ...session, ended: { at: 1, actor: 'x', address: 'y' } }],
  ['one that is gone', undefined],
])('%s stays so', (_name, value) => {
  expect(carried(value)).toEqual([])
})
