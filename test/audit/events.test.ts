import { expect, test } from 'vitest'
import { eventWrite } from '../../src/audit/event-write.ts'
import { recordRefusal } from '../../src/audit/refusals.ts'
import { buckets } from '../../src/domain/bucket.ts'
import { createLimits } from '../../src/limits/limits.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

const clock = { millis: () => 1_700_000_000_500, seconds: () => 1_700_000_000 }
const limits = createLimits({ clock: { monotonic: () => 0 } })
let drawn = 0
const random = { id: (millis: number) => `${millis.toString(16)}-${(drawn += 1)}`, stamp: () => `stamp${(drawn += 1)}` }

test('an event carries its version, its time and an id that begins with the time', () => {
  const write = eventWrite({ clock, random }, { type: 'signin.failed', userId: 'u1', reason: 'password_wrong' })
  expect(write).toMatchObject({
    op: 'append',
    id: expect.stringMatching(/^18bcfe569f4-/),
    event: { v: 1, type: 'signin.failed', at: 1_700_000_000, userId: 'u1', reason: 'password_wrong' },
  })
})

test('what came from outside is cut, well-formed, and bounded in number', () => {
  const write = eventWrite(
    { clock, random },
    {
      type: 'token.refused',
      clientId: `${'a'.repeat(254)}😀${'b'.repeat(100_000)}`,
      scope: 's'.repeat(100_000),
      audience: Array.from({ length: 1000 }, () => 'https://api.example/'.repeat(1000)),
    },
  )
  if (write.op !== 'append') throw new Error('an event is appended')
  expect(write.event.clientId).toHaveLength(256)
  expect(write.event.clientId?.isWellFormed()).toBe(true)
  expect(write.event.scope).toHaveLength(1024)
  expect(JSON.stringify(write).length).toBeLessThan(6000)
})

test('an event that stands alone is durable before its caller goes on', async () => {
  const { store } = openMemoryStore()
  await recordRefusal(
    { clock, random, limits, transition: { store, clock, random } },
    { type: 'signin.failed', address: '192.0.2.1' },
  )
  const pages = await Promise.all(buckets.map((bucket) => store.list('event', bucket, { limit: 10 })))
  expect(pages.flatMap((page) => page.records.map((record) => record.value))).toEqual([
    { v: 1, type: 'signin.failed', at: 1_700_000_000, address: '192.0.2.1' },
  ])
})

test('FLT-31: who can’t be recorded isn’t served: a failing sink is an error of the caller', async () => {
  const { store } = openMemoryStore()
  const broken = { ...store, commit: () => Promise.reject(new StoreUnavailable('the disk is full', 'none')) }
  await expect(
    recordRefusal(
      { clock, random, limits, transition: { store: broken, clock, random } },
      { type: 'signin.failed', address: '192.0.2.1' },
    ),
  ).rejects.toThrow(StoreUnavailable)
})
