import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { genesisOf, rootOf, sealHash } from '../../src/audit/chain-hash.ts'
import { printItem, readItems } from '../../src/audit/event-lines.ts'
import { verifyChain, type ChainReport } from '../../src/audit/verify-chain.ts'
import type { ChainItem } from '../../src/audit/walk-chain.ts'
import type { Seal } from '../../src/domain/seal.ts'
import { each, openChronicle, type Chronicle } from './chain.ts'

let chronicle: Chronicle
let lines: readonly string[] = []

beforeAll(async () => {
  chronicle = await openChronicle()
  for (let day = 0; day < 4; day += 1) {
    await chronicle.happen(30)
    chronicle.advance(86_400)
    await chronicle.sealAll()
  }
  await chronicle.happen(4, 100_000)
  chronicle.advance(86_400)
  await chronicle.sealAll()
  await chronicle.happen(3)
  lines = (await chronicle.items()).map(printItem)
})

function verifyLines(altered: readonly string[]): Promise<ChainReport> {
  return verifyChain(readItems(each(altered)), { now: chronicle.clock.seconds })
}

const isEvent = (line: string): boolean => line.startsWith('{"id"')
const eventAt = () =>
  fc.nat(lines.length).map((at) => lines.findIndex((line, index) => index >= at % (lines.length - 5) && isEvent(line)))

test('an export proves itself, line for line as the store does', async () => {
  const report = await verifyLines(lines)
  expect(report).toEqual(await chronicle.verify())
  expect(report).toMatchObject({ bad: 0, late: 4, unsealed: 3 })
})

test('every event that is removed, changed, swapped or put in is found, and named', async () => {
  await fc.assert(
    fc.asyncProperty(
      eventAt(),
      eventAt(),
      fc.constantFrom('remove', 'change', 'swap', 'insert', 'swap contents'),
      async (at, other, how) => {
        const altered = [...lines]
        const line = lines[at] ?? ''
        const theirs = lines[other] ?? ''
        const { id, ...event } = JSON.parse(line) as { id: string }
        const second = JSON.parse(theirs) as { id: string }
        let named = id
        if (how === 'remove') altered.splice(at, 1)
        else if (how === 'change') altered[at] = JSON.stringify({ id, ...event, userId: 'usr_other' })
        else if (how === 'insert') {
          // Before an event that is bound: behind the last of those, no seal says anything yet.
          named = `${id.slice(0, -1)}-`
          if (named === id) return
          altered.splice(at, 0, JSON.stringify({ ...event, id: named }))
        } else if (id === second.id) return
        else if (how === 'swap') [altered[at], altered[other]] = [theirs, line]
        else {
          altered[at] = JSON.stringify({ ...second, id })
          altered[other] = JSON.stringify({ ...event, id: second.id })
        }
        const { findings, bad } = await verifyLines(altered)
        expect(bad).toBeGreaterThan(0)
        if (how !== 'swap' && how !== 'swap contents') expect(findings[0]).toContain(named)
        else expect(findings.join()).toMatch(new RegExp(`${id}|${second.id}`))
      },
    ),
    { numRuns: 150 },
  )
})

test('whatever single byte of an export is altered, it no longer proves itself', async () => {
  const text = lines.join('\n')
  // What no seal binds yet can't prove itself: the last events, and the line with the time of the export.
  const from = (lines[0] ?? '').length + 1
  const until = text.indexOf(lines.findLast((line, index) => isEvent(line) && index < lines.length - 4) ?? '')
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: from, max: until }), fc.integer({ min: 1, max: 94 }), async (at, by) => {
      const old = text.charCodeAt(at)
      if (old < 32) return
      const altered = text.slice(0, at) + String.fromCharCode(32 + ((old - 32 + by) % 95)) + text.slice(at + 1)
      const values = altered.split('\n').map(parsed)
      // Another way to write the same number or the same space is no other document.
      if (JSON.stringify(values) === JSON.stringify(lines.map(parsed))) return
      expect((await verifyLines(altered.split('\n'))).bad).toBeGreaterThan(0)
    }),
    { numRuns: 150 },
  )
})

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

test.each([
  [
    'the last seal with its events',
    (all: string[]) =>
      all.splice(
        all.findLastIndex((line) => line.startsWith('{"seal"')),
        1,
      ),
  ],
  ['the first seal', (all: string[]) => all.splice(1, 1)],
  ['the end', (all: string[]) => all.pop()],
  ['everything but the first line and the end', (all: string[]) => all.splice(1, all.length - 2)],
])('a chain without %s doesn’t prove itself', async (_, cut) => {
  const altered = [...lines]
  cut(altered)
  expect((await verifyLines(altered)).bad).toBeGreaterThan(0)
})

test('a chain that was written anew, hashes and all, is found by what was noted of it before', async () => {
  const noted = (await chronicle.verify()).head
  const items = (await chronicle.items()).map((item) => structuredClone(item))
  const begin = items.find((item) => item.is === 'begin')
  let previous = genesisOf(String(begin?.instanceId))
  let dropped: unknown
  const forged = items.flatMap((item): ChainItem[] => {
    if (item.is === 'event' && item.id === dropped) return []
    if (item.is === 'end') return [{ is: 'end', head: { number: noted?.number, hash: previous } }]
    if (item.is !== 'seal') return [item]
    const entries = item.entries as readonly [string, number, string][]
    dropped ??= entries[0]?.[0]
    const left = entries.filter(([id]) => id !== dropped)
    const seal: Seal = { ...(item.seal as Seal), previous, root: rootOf(left), count: left.length }
    previous = sealHash(seal)
    return [{ is: 'seal', seal, entries: left }]
  })
  const now = chronicle.clock.seconds
  expect((await verifyChain(each(forged), { now })).bad).toBe(0)
  if (noted === undefined) throw new Error('a chain has an end')
  expect((await verifyChain(each(forged), { now, noted })).findings).toEqual([expect.stringContaining('was noted')])
  expect((await chronicle.verify({ noted })).bad).toBe(0)
})

test('an export that claims to be made later than now lets nothing expire by that', async () => {
  const altered = lines.filter((line) => line !== lines.find(isEvent))
  const later = altered.map((line, index) =>
    index === 0 ? line.replace(/"exported_at":\d+/, '"exported_at":99999999999') : line,
  )
  expect(later[0]).toContain('99999999999')
  expect((await verifyLines(later)).findings[0]).toMatch(/is missing/)
})

test('a chain whose seals are kept shorter than they said, hashes and all, is named', async () => {
  const items = (await chronicle.items()).map((item) => structuredClone(item))
  let previous: string | undefined
  const forged = items.map((item): ChainItem => {
    if (item.is === 'end') return { is: 'end', head: { ...(item.head as object), hash: previous } }
    if (item.is !== 'seal') return item
    const old = item.seal as Seal
    const seal: Seal = {
      ...old,
      ...(previous !== undefined && { previous }),
      ...(old.number === 2 && { previousUntil: 5 }),
    }
    previous = sealHash(seal)
    return { ...item, seal }
  })
  const { findings } = await verifyChain(each(forged), { now: chronicle.clock.seconds })
  expect(findings).toEqual(['seal 2 is kept for another time than it may be'])
})

test('a seal that lost its entries before their time is named', async () => {
  const items = (await chronicle.items()).map((item) => (item.is === 'seal' ? { ...item, entries: null } : item))
  const { findings } = await verifyChain(each(items), { now: chronicle.clock.seconds })
  expect(findings).toContain("seal 1 has lost its entries, though their time isn't over")
})

test('a chain of another instance isn’t one of this', async () => {
  const items = await chronicle.items()
  const moved = items.map((item) => (item.is === 'begin' ? { ...item, instanceId: 'another' } : item))
  const { findings } = await verifyChain(each(moved), { now: chronicle.clock.seconds })
  expect(findings).toEqual([expect.stringContaining('of this instance')])
})

const altered = (change: (item: ChainItem) => readonly ChainItem[]): Promise<readonly ChainItem[]> =>
  chronicle.items().then((items) => items.flatMap(change))

test.each<[string, (item: ChainItem) => readonly ChainItem[], RegExp]>([
  ['more after the end', (item) => (item.is === 'end' ? [item, item] : [item]), /there is more after the end/],
  ['no beginning', (item) => (item.is === 'begin' ? [] : [item]), /^the beginning is missing/],
  ['a second beginning', (item) => (item.is === 'begin' ? [item, item] : [item]), /there is a second beginning/],
  ['no end', (item) => (item.is === 'end' ? [] : [item]), /the end is missing/],
  [
    'a head of another number',
    (item) => (item.is === 'end' ? [{ is: 'end', head: { ...(item.head as object), number: 9 } }] : [item]),
    /seals are missing at the end/,
  ],
  [
    'a head of another hash',
    (item) => (item.is === 'end' ? [{ is: 'end', head: { ...(item.head as object), hash: 'x' } }] : [item]),
    /seals are missing at the end/,
  ],
  ['no head', (item) => (item.is === 'end' ? [{ is: 'end', head: null }] : [item]), /seals are missing at the end/],
  [
    'something unreadable',
    (item) => (item.is === 'end' ? [{ is: 'unreadable', where: 'line 7' }, item] : [item]),
    /line 7/,
  ],
  [
    'a retention that is none',
    (item) => (item.is === 'begin' ? [{ ...item, retention: [{ from: 1, at: 1 }] }] : [item]),
    /how long events are kept is not readable/,
  ],
  [
    'another retention than its seals say',
    (item) => (item.is === 'begin' ? [{ ...item, retention: [{ from: 1, at: 1, keep: 1 }] }] : [item]),
    /the seals say otherwise than the beginning/,
  ],
])('a chain with %s is found', async (_, change, finding) => {
  const { findings } = await verifyChain(each(await altered(change)), { now: chronicle.clock.seconds })
  expect(findings[0]).toMatch(finding)
})

test('a second beginning lets nothing expire, and none at all is a finding', async () => {
  const now = (): number => chronicle.clock.seconds() + 400 * 86_400
  const items = await chronicle.items()
  const [begin, seal, ...rest] = items
  if (begin?.is !== 'begin' || seal === undefined) throw new Error('a chain begins')
  const missing = rest.toSpliced(0, 1)
  const { findings } = await verifyChain(each([begin, seal, { is: 'begin', instanceId: 'i', at: null }, ...missing]), {
    now,
  })
  expect(findings).toContain('there is a second beginning')
  expect(findings.join()).toMatch(/is missing: seal 1 binds it/)
  for (const late of [items.slice(1), [seal, begin, ...missing], []])
    expect((await verifyChain(each(late), { now })).findings).toContain('the beginning is missing')
})

test('an event that came late is bound as any other', async () => {
  const seals = (await chronicle.items()).flatMap((item) => (item.is === 'seal' ? [item] : []))
  const late = seals.find(({ seal }) => (seal as Seal).late)
  if (late === undefined) throw new Error('nothing came late')
  const { number } = late.seal as Seal
  const [[id] = ['none']] = late.entries as readonly (readonly [string])[]
  const other = await altered((item) =>
    item.is === 'event' && item.id === id
      ? [{ ...item, event: { ...(item.event as object), userId: 'usr_x' } }]
      : [item],
  )
  const gone = await altered((item) => (item.is === 'event' && item.id === id ? [] : [item]))
  const now = chronicle.clock.seconds
  expect((await verifyChain(each(other), { now })).findings).toEqual([
    `event ${id} was changed after seal ${number} had bound it`,
  ])
  expect((await verifyChain(each(gone), { now })).findings).toEqual([
    `event ${id} is missing: seal ${number} binds it, and its time isn't over`,
  ])
})

test('an old export proves what it held when it was made, though all of that has expired since', async () => {
  const ages = () => chronicle.clock.seconds() + 400 * 86_400
  const first = (await chronicle.items()).findIndex((item) => item.is === 'event')
  const items = await chronicle.items()
  expect((await verifyChain(each(items), { now: ages })).bad).toBe(0)
  expect((await verifyChain(each(items.toSpliced(first, 1)), { now: ages })).findings[0]).toMatch(/is missing/)
})

test('what is neither seal nor event is named by where it stands', async () => {
  const [begin, seal, event, ...rest] = await chronicle.items()
  if (begin === undefined || seal?.is !== 'seal' || event?.is !== 'event') throw new Error('a chain begins with a seal')
  const now = chronicle.clock.seconds
  for (const wrong of [
    { ...event, id: 7 },
    { ...event, event: null },
  ])
    expect((await verifyChain(each([begin, seal, wrong, ...rest]), { now })).findings[0]).toBe(
      'what stands after event  is no event',
    )
  const unreadable = { ...seal, seal: {} }
  expect((await verifyChain(each([begin, unreadable, event, ...rest]), { now })).findings[0]).toBe(
    "a seal after number 0 isn't readable",
  )
})

test('a chain whose end nobody knows proves what it holds', async () => {
  const items = await altered((item) => [item.is === 'end' ? { is: 'end', head: 'unknown' } : item])
  expect((await verifyChain(each(items), { now: chronicle.clock.seconds })).bad).toBe(0)
})

test('anything at all in place of a line is a finding, never a crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(lines.length - 2), fc.jsonValue(), async (at, value) => {
      const altered = [...lines]
      altered[at] = JSON.stringify(value)
      expect((await verifyLines(altered)).bad).toBeGreaterThan(0)
    }),
    { numRuns: 50 },
  )
})
