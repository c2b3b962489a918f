import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ref, type Ref } from '../../src/domain/record.ts'
import type { StampedWrite, Store } from '../../src/store/port.ts'
import { putLease } from '../../src/store/suite/samples.ts'
import { memorySubject, sqliteSubject } from './subjects.ts'

const now = 1_000
const names = ['a', 'b', 'c', 'd']
const ownerNames = ['x', 'y', 'z']

/** What a commit is asked to do, with its expectation still in words. */
type Wish = {
  readonly op: 'put' | 'delete' | 'check'
  readonly name: string
  readonly expect: 'right' | 'absent' | 'wrong'
  readonly owners: readonly string[] | undefined
  readonly expiresAt: number | null
}
type Step = { readonly commit: readonly Wish[] } | { readonly sweep: number }
type Entry = {
  readonly version: string
  readonly holder: string
  readonly owners: readonly string[]
  readonly expiresAt: number | null
}

const wish: fc.Arbitrary<Wish> = fc.record({
  op: fc.constantFrom('put', 'put', 'delete', 'check'),
  name: fc.constantFrom(...names),
  expect: fc.constantFrom('right', 'right', 'right', 'right', 'absent', 'wrong'),
  owners: fc.option(fc.subarray(ownerNames), { nil: undefined }),
  expiresAt: fc.constantFrom(null, now - 500_000, now - 1, now, now + 1, now + 500_000),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      commit: fc.uniqueArray(wish, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ sweep: fc.constantFrom(now - 10, now, now + 10) }) },
)

describe.each([
  ['memory', memorySubject],
  ['sqlite', sqliteSubject],
])('%s behaves like a map with compare-and-set', (_, subject) => {
  test('for any sequence of commits and sweeps', async () => {
    const storage = await subject.create()
    const { store, admin } = await storage.open()
    let run = 0
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) =>
          follow(store, `run-${(run += 1)}-`, steps),
        ),
        { numRuns: 150 },
      )
      expect(await admin.verify()).toEqual([])
    } finally {
      await admin.close()
      await storage.remove()
    }
  }, 60_000)
})

async function follow(store: Store, prefix: string, steps: readonly Step[]): Promise<void> {
  const model = new Map<string, Entry>()
  for (const [index, asked] of steps.entries()) {
    if ('sweep' in asked) {
      await store.sweep(asked.sweep, 1_000)
      for (const [name, { expiresAt }] of model) if (expiresAt !== null && expiresAt < asked.sweep) model.delete(name)
    } else {
      const writes = asked.commit.flatMap((one) => writeOf(model, prefix, one, `v${index}-${one.name}`) ?? [])
      expect(await store.commit(writes)).toBe(applyTo(model, prefix, writes))
    }
    await compare(store, prefix, model)
  }
}

function writeOf(model: Map<string, Entry>, prefix: string, asked: Wish, version: string): StampedWrite | undefined {
  const found = model.get(asked.name)?.version ?? null
  const wanted = asked.expect === 'right' ? found : asked.expect === 'absent' ? null : 'never seen'
  const target: Ref<'lease'> = ref('lease', prefix + asked.name)
  if (asked.op === 'check') return { op: 'check', ...target, expect: wanted }
  if (asked.op === 'delete') return wanted === null ? undefined : { op: 'delete', ...target, expect: wanted }
  const owners = asked.owners?.map((owner) => prefix + owner)
  return putLease(target.id, version, version, {
    expect: wanted,
    expiresAt: asked.expiresAt,
    ...(owners === undefined ? {} : { owners }),
  })
}

function applyTo(model: Map<string, Entry>, prefix: string, writes: readonly StampedWrite[]): 'committed' | 'conflict' {
  const nameOf = (write: StampedWrite): string => write.id.slice(prefix.length)
  if (!writes.every((write) => write.op === 'append' || (model.get(nameOf(write))?.version ?? null) === write.expect)) {
    return 'conflict'
  }
  for (const write of writes) {
    if (write.op === 'delete') model.delete(nameOf(write))
    if (write.op !== 'put') continue
    const owners = write.owners ?? model.get(nameOf(write))?.owners ?? []
    model.set(nameOf(write), { version: write.version, holder: write.version, owners, expiresAt: write.expiresAt })
  }
  return 'committed'
}

async function compare(store: Store, prefix: string, model: Map<string, Entry>): Promise<void> {
  const found = await store.read(names.map((name) => ref('lease', prefix + name)))
  expect(found.map((record) => record && [record.version, record.value, record.expiresAt ?? null])).toEqual(
    names.map((name) => {
      const entry = model.get(name)
      return entry && [entry.version, { v: 1, holder: entry.holder }, entry.expiresAt]
    }),
  )
  for (const owner of ownerNames) {
    const page = await store.list('lease', prefix + owner, { limit: 9 })
    const owned = names.filter((name) => model.get(name)?.owners.includes(prefix + owner))
    expect(page.records.map(({ id }) => id)).toEqual(owned.map((name) => prefix + name))
  }
}
