import { beforeEach, expect, test } from 'vitest'
import { confirmEmail } from '../../src/accounts/confirm-email.ts'
import { letterUsed } from '../../src/accounts/letter-used.ts'
import { resetPassword } from '../../src/accounts/reset-password.ts'
import { create, put, ref } from '../../src/domain/record.ts'
import { addresseeOf, type Ticket } from '../../src/domain/ticket.ts'
import type { User } from '../../src/domain/user.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { makeUser, openHouse, type House } from './house.ts'

let house: House
let user: User
beforeEach(async () => {
  house = await openHouse()
  user = await makeUser(house, { username: 'ada', password: 'a fine long password', email: 'ada@example.org' })
  const addressee = addresseeOf(user)
  const stored = { v: 1, nonce: 'n', keyId: 'k', createdAt: 0, addressee } as const
  const tickets: Readonly<Record<string, Ticket>> = {
    'to confirm': { ...stored, purpose: 'confirm-email', email: 'ada@new.example' },
    'to recover': { ...stored, purpose: 'recover', asked: 'ada' },
  }
  await commitNew(
    house.transition,
    Object.entries(tickets).map(([id, ticket]) => create(ref('ticket', id), ticket, { owners: [], expiresAt: null })),
  )
})

const become = (changed: Partial<User>) =>
  transition(house.transition, { slot: ref('user', user.userId) }, ({ slot }) => ({
    writes: [put(slot, { ...user, ...changed }, { expiresAt: null })],
    result: undefined,
  }))
const now = () => readAlive(house.store, ref('user', user.userId), house.clock.seconds())
const deeds = {
  'to confirm': () =>
    confirmEmail(house, { ticketId: 'to confirm', userId: user.userId, email: 'ada@new.example', language: 'en' }),
  'to recover': () =>
    resetPassword(house, {
      ticketId: 'to recover',
      userId: user.userId,
      password: 'seven herons cross a lock',
      providers: [],
    }),
}

/** The page has judged the letter already; this is what happens between that and the commit. */
test.each([
  ['to confirm', 'locked', { locked: true }],
  ['to confirm', 'put out', { epoch: 99 }],
  ['to confirm', 'at another address', { email: 'ada@other.example' }],
  ['to recover', 'locked', { locked: true }],
  ['to recover', 'put out', { epoch: 99 }],
  ['to recover', 'at another address', { email: 'ada@other.example' }],
] as const)('a letter %s is worth nothing for an account that is %s by then', async (ticket, _, changed) => {
  await become(changed)
  const then = await now()
  expect(await deeds[ticket]()).toEqual({ refused: letterUsed })
  expect(await now()).toEqual(then)
})

test.each(['to confirm', 'to recover'] as const)('else it does what it is there for: %s', async (ticket) => {
  expect(await deeds[ticket]()).toHaveProperty('done')
  expect(await now()).not.toEqual(user)
})
