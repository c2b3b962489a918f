import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { append, put, ref } from '../../src/domain/record.ts'
import { openStore } from '../../src/store/open.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { event, lease, start } from '../../src/store/suite/samples.ts'
import { transition } from '../../src/store/transition.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from './dynamodb-local.ts'
import { perOne, startDynamodbMeter, type DynamodbMeter } from './dynamodb-meter.ts'
import { dynamodbTable } from './subjects.ts'

// What docs/scaling.md makes money of: by the emulator's own count of units.

const missing = whyNoDynamodb()
const random = createRandom()
const clock = { seconds: () => start, monotonic: () => performance.now() }
let local: DynamodbLocal | undefined
let meter: DynamodbMeter | undefined
const nodes: OpenStore[] = []

beforeAll(async () => {
  if (missing !== undefined) return
  local = await startDynamodbLocal()
  meter = await startDynamodbMeter(local.endpoint)
  const table = dynamodbTable()
  for (let node = 0; node < 2; node += 1)
    nodes.push(
      await openStore(`dynamodb://local/${table}?endpoint=${meter.endpoint}`, {
        clock,
        random,
        onFatal(reason) {
          throw reason
        },
      }),
    )
}, 120_000)
// A skipped suite says why once.
if (missing !== undefined) console.error(`SKIPPED what DynamoDB costs: ${missing}`)

afterAll(async () => {
  for (const { admin } of nodes) await admin.close()
  await meter?.close()
  await local?.stop()
})

/** Of a grant with its refresh token, as stored. */
const grantBytes = 875
const pad = (text: string): string => text.padEnd(grantBytes - 24, 'x')

/** Changes a record of a grant's size together with its event, whose id comes back, by one node after the other. */
async function change(what: string, turn: number, among: number): Promise<string> {
  const node = nodes[turn % among]
  if (node === undefined) throw new Error('no node')
  const { store } = node
  const id = random.id(start * 1000)
  await transition({ store, clock, random }, { grant: lease(what) }, ({ grant }) => ({
    writes: [
      put(grant, { v: 1, holder: pad(String(turn)) }, { expiresAt: start + 30 * 86_400 }),
      append(id, event(id).event),
    ],
    result: undefined,
  }))
  return id
}

test.skipIf(missing !== undefined).each([
  // What comes just after it was quiet is missed or counted with the next. One conditional write of two units, the event inside, and one for the event in its bucket.
  { what: 'always by one node', among: 1, writeUnits: [2.9, 3.6], calls: [2.9, 3.6] },
  // Another node can't know that the last event was brought home: it keeps that beside its own, and brings it again.
  { what: 'by two nodes in turn', among: 2, writeUnits: [3.9, 4.4], calls: [2.9, 3.4] },
])(
  'what a record of a grant’s size costs that changes with its event now and then, $what',
  async ({ what, among, ...bounds }) => {
    if (meter === undefined) return
    const { count } = meter
    const changes = 24
    for (let turn = 0; turn < 4; turn += 1) await change(what, turn, among).then(() => untilQuiet(count))
    const before = count()
    for (let turn = 4; turn < 4 + changes; turn += 1) await change(what, turn, among).then(() => untilQuiet(count))
    const each = perOne(before, count(), changes)
    console.log(`DynamoDB, ${what}: ${JSON.stringify(each)}`)
    for (const name of ['writeUnits', 'calls'] as const) {
      const [least = 0, most = 0] = bounds[name]
      expect(each[name], name).toBeGreaterThanOrEqual(least)
      expect(each[name], name).toBeLessThanOrEqual(most)
    }
    expect(each.readUnits).toBeLessThan(1.5)
  },
  60_000,
)

test.skipIf(missing !== undefined).each([1, 2])(
  'a record that changes as fast as it is answered, by %i nodes in turn, neither grows nor costs more each time',
  async (among) => {
    const hot = `hot-${among}`
    if (meter === undefined) return
    const { count } = meter
    const changes = 60
    await change(hot, 0, among)
    const before = count()
    const ids: string[] = []
    for (let turn = 1; turn <= changes; turn += 1) ids.push(await change(hot, turn, among))
    await untilQuiet(count)
    const each = perOne(before, count(), changes)
    console.log(`DynamoDB, a hot record, ${among}: ${JSON.stringify(each)}`)
    expect(each.writeUnits).toBeLessThan(6)
    expect(each.sentBytes).toBeLessThan(6_000)
    // Another node finds each in its bucket.
    const [, other] = nodes
    const found = await other?.store.read(ids.map((id) => ref('event', id)))
    expect(found?.filter((one) => one === undefined)).toEqual([])
    expect(found).toHaveLength(changes)
  },
  60_000,
)

/** The courier walks after the answer; the next change of a grant comes minutes later. */
async function untilQuiet(count: DynamodbMeter['count']): Promise<void> {
  for (let calls = -1; calls !== count().calls;) {
    ;({ calls } = count())
    await pause(100)
  }
}
