import { describe, expect, test } from 'vitest'
import { append, check, put, ref, remove, type Decision, type Slot } from '../../src/domain/record.ts'
import { commitKnown } from '../../src/store/commit-known.ts'
import { StoreContended } from '../../src/store/contended.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { createRecent } from '../../src/store/recent.ts'
import type { StampedWrite, Store } from '../../src/store/port.ts'
import { countingStamps, event, exists, holderOf, lease, putLease, start } from '../../src/store/suite/samples.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

type Fault = (
  commit: () => Promise<'committed' | 'conflict'>,
  writes: readonly StampedWrite[],
) => Promise<'committed' | 'conflict'>

/** A memory store whose commits meet these faults, one after the other, and then none. */
function faulty(...faults: readonly Fault[]) {
  const { store } = openMemoryStore()
  const left = [...faults]
  let commits = 0
  const broken: Store = {
    ...store,
    commit(writes) {
      commits += 1
      const fault = left.shift()
      return fault === undefined ? store.commit(writes) : fault(() => store.commit(writes), writes)
    },
  }
  const context = { store: broken, clock: { seconds: () => start }, random: countingStamps() }
  return { store, context, commits: () => commits }
}

const lost = (): StoreUnavailable => new StoreUnavailable('the answer was lost', 'unknown')
const answerLost: Fault = async (commit) => {
  await commit()
  throw lost()
}
const neverArrived: Fault = () => Promise.reject(lost())
const nothingHappened: Fault = () => Promise.reject(new StoreUnavailable('no', 'none'))

function add({ counter }: { readonly counter: Slot<'lease'> }): Decision<number> {
  const next = Number(counter.value?.holder ?? 0) + 1
  return { writes: [put(counter, { v: 1, holder: String(next) }, { expiresAt: null, owners: [] })], result: next }
}
const counter = { counter: lease('counter') }
const absent: Slot<'lease'> = { ...lease('counter'), value: undefined, version: null }

describe('a transition whose commit had an unknown outcome', () => {
  test('is done when its stamp is there', async () => {
    const { store, context, commits } = faulty(answerLost)
    expect(await transition(context, counter, add)).toBe(1)
    expect(await holderOf(store, 'counter')).toBe('1')
    expect(commits()).toBe(1)
  })

  test('is done when its event is there, even if somebody has written over its stamp', async () => {
    const { store, context } = faulty(async (commit, writes) => {
      await commit()
      const mine = writes.find((write) => write.op === 'put')
      await store.commit([putLease('counter', 'theirs', 'theirs', { expect: mine?.version ?? null })])
      throw lost()
    })
    const result = await transition(context, counter, (slots) => {
      const decision = add(slots)
      return { ...decision, writes: [...decision.writes, append('e', event('e').event)] }
    })
    expect(result).toBe(1)
    expect(await holderOf(store, 'counter')).toBe('theirs')
  })

  test('is tried again, the very same, when it left no trace', async () => {
    const seen: string[] = []
    const { store, context } = faulty(
      (_, writes) => {
        seen.push(JSON.stringify(writes))
        return Promise.reject(lost())
      },
      (commit, writes) => {
        seen.push(JSON.stringify(writes))
        return commit()
      },
    )
    expect(await transition(context, counter, add)).toBe(1)
    expect(await holderOf(store, 'counter')).toBe('1')
    expect(seen[1]).toBe(seen[0])
  })

  test('counts once when the lost commit comes through while it is tried again', async () => {
    let late: (() => Promise<unknown>) | undefined
    const { store, context } = faulty(
      (commit) => {
        late = commit
        return Promise.reject(lost())
      },
      async (commit) => {
        await late?.()
        return commit()
      },
    )
    expect(await transition(context, counter, add)).toBe(1)
    expect(await holderOf(store, 'counter')).toBe('1')
  })

  test('decides anew when somebody else was faster', async () => {
    const { store, context } = faulty(neverArrived, async (commit) => {
      await store.commit([putLease('counter', '41', 'theirs')])
      return commit()
    })
    await expect(
      transition(context, counter, (slots) => {
        const decision = add(slots)
        return { ...decision, writes: [...decision.writes, append(`e${decision.result}`, event('e').event)] }
      }),
    ).resolves.toBe(42)
    expect(await exists(store, ref('event', 'e1'))).toBe(false)
  })

  test('stays unknown when nothing can tell: somebody wrote over the only stamp', async () => {
    const { store, context } = faulty(async (commit, writes) => {
      await commit()
      const mine = writes.find((write) => write.op === 'put')
      await store.commit([putLease('counter', 'theirs', 'theirs', { expect: mine?.version ?? null })])
      throw lost()
    })
    await expect(transition(context, counter, add)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      outcome: 'unknown',
    })
  })

  test.each([
    ['stays unknown for a lone delete that may have been ours or not', answerLost, false],
    ['is tried again for a lone delete that never arrived', neverArrived, true],
  ])('%s', async (_, fault, deleted) => {
    const { store, context } = faulty(fault)
    await store.commit([putLease('counter', '1', 'v1')])
    const deleting = transition(context, counter, (slots) => ({ writes: remove(slots.counter), result: true }))
    if (deleted) await expect(deleting).resolves.toBe(true)
    else await expect(deleting).rejects.toMatchObject({ outcome: 'unknown' })
    expect(await exists(store, lease('counter'))).toBe(false)
  })

  test('stays unknown while the store stays away, and is not tried for ever', async () => {
    const { context, commits } = faulty(neverArrived, neverArrived, neverArrived, neverArrived)
    await expect(transition(context, counter, add)).rejects.toMatchObject({ outcome: 'unknown' })
    expect(commits()).toBe(3)
  })

  test('stays unknown when trying again is refused: the first may still come through', async () => {
    const { context } = faulty(neverArrived, nothingHappened)
    await expect(transition(context, counter, add)).rejects.toMatchObject({ outcome: 'unknown' })
  })
})

describe('a transition', () => {
  test('that decides to write nothing commits nothing', async () => {
    const { context, commits } = faulty()
    expect(await transition(context, counter, () => ({ writes: [], result: 'no' }))).toBe('no')
    expect(commits()).toBe(0)
  })

  test('that did not happen says so at once', async () => {
    const { context, commits } = faulty(nothingHappened)
    await expect(transition(context, counter, add)).rejects.toMatchObject({ outcome: 'none' })
    expect(commits()).toBe(1)
  })

  test('that loses every time gives up as contended, after a bounded number of attempts', async () => {
    const { context, commits } = faulty(...Array.from({ length: 1_000 }, (): Fault => async () => 'conflict'))
    await expect(transition(context, counter, add)).rejects.toBeInstanceOf(StoreContended)
    expect(commits()).toBe(50)
  })

  test('gives every put a stamp of its own, and a new one at every attempt', async () => {
    const stamps: string[] = []
    const watch: Fault = async (_, writes) => {
      stamps.push(...writes.flatMap((write) => (write.op === 'put' ? [write.version] : [])))
      return 'conflict'
    }
    const { context } = faulty(watch, watch)
    await transition(context, { ...counter, other: lease('other') }, (slots) => ({
      writes: [...add(slots).writes, put(slots.other, { v: 1, holder: '' }, { expiresAt: null })],
      result: true,
    }))
    expect(new Set(stamps).size).toBe(4)
  })

  test('decides on what this process remembers: its own deletion costs the next one no conflict', async () => {
    const { context, store, commits } = faulty()
    const remembering = { ...context, recent: createRecent(['lease']) }
    await transition(remembering, counter, add)
    await transition(remembering, counter, (slots) => ({ writes: remove(slots.counter), result: true }))
    expect(await transition(remembering, counter, add)).toBe(1)
    expect([await holderOf(store, 'counter'), commits()]).toEqual(['1', 3])
  })

  test('remembers nothing of a commit that didn’t happen', async () => {
    const { context } = faulty(async () => 'conflict')
    const recent = createRecent(['lease'])
    await expect(
      commitKnown({ ...context, recent }, [put(absent, { v: 1, holder: 'x' }, { expiresAt: null, owners: [] })]),
    ).resolves.toBe('conflict')
    expect(recent.recall(lease('counter'))).toBeUndefined()
  })

  test.each([null, start + 60])('remembers with what it committed the end of that: %s', async (expiresAt) => {
    const { store, context } = faulty()
    const recent = createRecent(['lease'])
    await commitKnown({ ...context, recent }, [put(absent, { v: 1, holder: 'x' }, { expiresAt, owners: [] })])
    expect([recent.recall(lease('counter'))]).toEqual(await store.read([lease('counter')]))
  })

  test('whose store has a bug says so, also after an answer was lost', async () => {
    const { context } = faulty(neverArrived, () => Promise.reject(new TypeError('a bug')))
    await expect(transition(context, counter, add)).rejects.toThrow(TypeError)
  })

  test('refuses a decision that writes the same record twice', async () => {
    const { context } = faulty()
    const twice = transition(context, counter, (slots) => ({
      writes: [...add(slots).writes, check(slots.counter)],
      result: 0,
    }))
    await expect(twice).rejects.toThrow('writes the same lease twice')
  })
})

describe('commitNew', () => {
  test('settles a lost answer by its event', async () => {
    const { context, commits } = faulty(answerLost)
    await commitNew(context, [append('e', event('e').event)])
    expect(commits()).toBe(1)
  })

  test('tries again what never arrived', async () => {
    const { store, context, commits } = faulty(neverArrived)
    await commitNew(context, [append('e', event('e').event)])
    expect(commits()).toBe(2)
    expect(await exists(store, ref('event', 'e'))).toBe(true)
  })
})
