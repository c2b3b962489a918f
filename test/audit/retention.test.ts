import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startSealer } from '../../src/audit/sealer.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { readItems, printItem } from '../../src/audit/event-lines.ts'
import { verifyChain } from '../../src/audit/verify-chain.ts'
import { chainRef, sealId, type Chain } from '../../src/domain/seal.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { each, openChronicle, type Chronicle } from './chain.ts'

const day = 86_400

/** Three events a day, sealed as they settle, and swept. */
async function live(chronicle: Chronicle, days: number, keep?: number): Promise<void> {
  for (let passed = 0; passed < days; passed += 1) {
    await chronicle.happen(3)
    chronicle.advance(day)
    await chronicle.sealAll('one', keep)
    await chronicle.sweepAll()
  }
}

test('a shorter time lets go what is there already, by a seal that says so, and the rest proves itself', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 20)
  const noted = (await chronicle.verify()).head
  await live(chronicle, 1, 10 * day)
  const kept = await chronicle.verify({ ...(noted && { noted }) })
  expect(kept).toMatchObject({ bad: 0, keep: 10 * day, beginsAt: 1 })
  // 22 days lived, with the first start, of which the last one isn't over.
  expect(kept.events).toBeLessThanOrEqual(10 * 3)
  expect(kept.events).toBeGreaterThan(8 * 3)
  // INV9: nothing younger may be missing.
  const items = await chronicle.items()
  const youngest = items.findLast((item) => item.is === 'event')
  const { findings } = await verifyChain(each(items.filter((item) => item !== youngest)), {
    now: chronicle.clock.seconds,
  })
  expect(findings).toEqual([expect.stringMatching(/is missing: .* its time isn't over/)])
  // Seals go, too: when what they had been kept for is over.
  chronicle.advance(400 * day)
  await live(chronicle, 2, 10 * day)
  const later = await chronicle.verify()
  expect(later).toMatchObject({ bad: 0, events: 2 * 3 })
  expect(later.beginsAt).toBeGreaterThan(1)
})

test('it is said at once where nothing happens, and nothing is swept by it before', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 10)
  chronicle.advance(50 * day)
  await chronicle.sweepAll()
  expect((await chronicle.verify()).events).toBe(31)
  expect(await chronicle.sealAll('two', 30 * day)).toBe(1)
  expect(await chronicle.sealAll('two', 30 * day)).toBe(0)
  await chronicle.sweepAll()
  expect(await chronicle.verify()).toMatchObject({ bad: 0, events: 0, keep: 30 * day })
})

test('a longer time counts for what comes: no event outlives what proves it', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 12, 7 * day)
  for (let days = 0; days < 30; days += 1) {
    await live(chronicle, 1, 20 * day)
    const { events, ...rest } = await chronicle.verify()
    expect(rest).toMatchObject({ bad: 0, keep: 20 * day })
    // What was there before goes as it was to.
    if (days === 9) expect(events).toBeLessThanOrEqual(11 * 3)
  }
  expect((await chronicle.verify()).events).toBeGreaterThan(18 * 3)
})

test('nobody lets go more by a word at the beginning that no seal repeats', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 10)
  const lines = (await chronicle.items()).map(printItem)
  const shorter = lines.with(
    0,
    JSON.stringify({ ...JSON.parse(lines[0] ?? ''), retention: [{ from: 1, at: 1_700_000_000, keep: 1 }] }),
  )
  const forged = shorter.filter((line) => !line.includes('token.issued'))
  const { findings } = await verifyChain(readItems(each(forged)), { now: chronicle.clock.seconds })
  expect(findings).toContainEqual(expect.stringContaining('the seals say otherwise than the beginning'))
  const broken = lines.with(0, (lines[0] ?? '').replace('}', ',"retention":"long"}'))
  expect((await verifyChain(readItems(each(broken)), { now: chronicle.clock.seconds })).bad).toBe(1)
})

test('nor by one that says less than the seals: what they keep longer is missed', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 12, 7 * day)
  await live(chronicle, 30, 20 * day)
  const lines = (await chronicle.items()).map(printItem)
  const { retention, ...begin } = JSON.parse(lines[0] ?? '') as { retention: unknown[] }
  expect(retention).toHaveLength(2)
  const old = lines.filter((line) => line.includes('token.issued')).slice(0, 20)
  for (const said of [{ ...begin, retention: retention.slice(0, 1) }, begin]) {
    const forged = lines.with(0, JSON.stringify(said)).filter((line) => !old.includes(line))
    const { bad } = await verifyChain(readItems(each(forged)), { now: chronicle.clock.seconds })
    expect(bad).toBeGreaterThan(0)
  }
  // What another node said while an export was being written lets go nothing of what that holds.
  chronicle.advance(100)
  await chronicle.sealAll('two', 30 * day)
  const later = (await chronicle.items()).map(printItem)
  const { retention: all } = JSON.parse(later[0] ?? '') as { retention: unknown[] }
  expect(all).toHaveLength(3)
  const { findings } = await verifyChain(readItems(each(later.with(0, JSON.stringify({ ...begin, retention })))), {
    now: chronicle.clock.seconds,
  })
  expect(findings).toEqual([])
})

test('a seal that backdates how long events were kept, or forgets it, is named', async () => {
  for (const retention of [[{ from: 1, at: 1_700_000_000, keep: 7 * day }], []]) {
    const chronicle = await openChronicle()
    await live(chronicle, 5, 30 * day)
    const { transition: within } = chronicle.node('one')
    // Whoever can write to the store writes the head anew; the next seal repeats it.
    await transition(within, { chain: chainRef }, ({ chain }) => ({
      writes: chain.value === undefined ? [] : [put(chain, { ...chain.value, retention }, { expiresAt: null })],
      result: undefined,
    }))
    await chronicle.happen(1)
    chronicle.advance(100)
    await chronicle.sealAll('one')
    const { findings } = await chronicle.verify()
    expect(findings).toContainEqual(expect.stringContaining('says otherwise than those before'))
  }
})

test('seals from before there was a choice stay what they are', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 3, 400 * day)
  const [seal] = await chronicle.opened.store.read([ref('seal', sealId(1))])
  expect(seal?.value).not.toHaveProperty('retention')
})

test('two nodes of different configurations say it once each, however long both run', async () => {
  const chronicle = await openChronicle()
  await live(chronicle, 1)
  const random = createRandom()
  const sealers = [30 * day, 60 * day].map((keep, at) =>
    startSealer(
      { ...chronicle.node(`node ${at}`), keep, random },
      {
        paused: () => undefined,
        onSealed: () => undefined,
        onError: (error) => expect.unreachable(String(error)),
        everyMillis: 1,
      },
    ),
  )
  for (let round = 0; round < 12; round += 1) {
    chronicle.advance(100)
    await pause(8)
  }
  await Promise.all(sealers.map((sealer) => sealer.stop()))
  const [found] = await chronicle.opened.store.read([chainRef])
  expect((found?.value as Chain | undefined)?.retention?.length).toBeLessThanOrEqual(2)
  expect((await chronicle.verify()).bad).toBe(0)
})
