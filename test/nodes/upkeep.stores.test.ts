import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventType } from '../../src/domain/event.ts'
import { rings } from '../../src/domain/key-lifecycle.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { commitInParts, event, putLease } from '../../src/store/suite/samples.ts'
import { auditEvents, fakeClock, start, startNode, type Node } from '../keys/fixtures.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { openTestPostgres } from '../store/postgres-subject.ts'

// Three nodes, each with connections of its own, that find the same work due in the same moment.

describe.skipIf(noPostgres !== undefined)('what a server does by itself, with three nodes on one PostgreSQL', () => {
  let postgres: TestPostgres | undefined
  let stores: readonly OpenStore[] = []
  beforeAll(async () => {
    postgres = await startPostgres()
    const address = postgres.address('upkeep')
    stores = await Promise.all([1, 2, 3].map(() => openTestPostgres(address)))
  })
  afterAll(async () => {
    await Promise.all(stores.map(({ admin }) => admin.close()))
    await postgres?.stop()
  })

  test('each ring is made once, announces its next key once, and lets it take over once', async () => {
    const clock = fakeClock()
    const nodes = await Promise.all(stores.map(({ store }) => startNode(store, clock)))
    const [first] = stores
    if (first === undefined) throw new Error('no store')
    /** How often something is told of each ring, in the audit and by the nodes that did it. */
    const told = async (audited: EventType, done: Node['events'][number]['type']): Promise<unknown> => {
      const events = await auditEvents(first)
      const byNodes = nodes.flatMap(({ events: one }) => one).filter(({ type }) => type === done)
      return rings.map((ring) => [
        events.filter(({ type, target }) => type === audited && target?.startsWith(`${ring}/`)).length,
        byNodes.filter((one) => one.ring === ring).length,
      ])
    }
    const times = (count: number): unknown => rings.map(() => [count, count])
    const tickTogether = () => Promise.all(nodes.map(({ keys }) => keys.tick()))

    expect(await told('key.created', 'created')).toEqual(times(1))
    // Up to where the last ring has announced, and to where the last one has taken over.
    for (const seconds of [9_000, 1_000]) {
      clock.advance(seconds)
      await tickTogether()
    }
    expect(await told('key.created', 'created')).toEqual(times(2))
    clock.advance(10)
    await tickTogether()
    expect(await told('key.rotated', 'took_over')).toEqual(times(1))
    expect(await told('key.created', 'created')).toEqual(times(2))
    await Promise.all(nodes.map(({ keys }) => keys.refresh()))
    const active = nodes.map(({ keys }) => keys.list().filter(({ state }) => state === 'active'))
    expect(active[0]).toHaveLength(rings.length)
    expect(active[1]).toEqual(active[0])
    expect(active[2]).toEqual(active[0])
  })

  test('what expired is swept once, whoever gets it, and nothing else', async () => {
    const [first] = stores
    if (first === undefined) throw new Error('no store')
    const leases = (name: string, count: number, expiresAt: number) =>
      Array.from({ length: count }, (_, index) => putLease(`${name}-${index}`, 'x', `${name}-${index}`, { expiresAt }))
    await commitInParts(first.store, [
      ...leases('over', 900, start),
      ...leases('alive', 100, start + 1_000),
      ...Array.from({ length: 50 }, (_, index) => event(`swept-${index}`, start - 1_000)),
    ])
    const swept = await Promise.all(stores.map(({ store }) => store.sweep(start + 1, 5_000, start - 500)))
    expect(swept.reduce((sum, one) => sum + one, 0)).toBe(950)
    expect(await first.store.sweep(start + 1, 5_000, start - 500)).toBe(0)
    const left: string[] = []
    for await (const { id } of first.admin.scan('lease')) left.push(id)
    expect(left.filter((id) => id.startsWith('alive-'))).toHaveLength(100)
    expect(left.filter((id) => id.startsWith('over-'))).toEqual([])
  })
})
