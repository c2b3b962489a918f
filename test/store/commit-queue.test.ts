import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BatchValue } from '../../src/store/sqlite/batch.ts'
import { createCommitQueue } from '../../src/store/sqlite/commit-queue.ts'
import { sqliteLimits, type SqliteLimits } from '../../src/store/sqlite/limits.ts'
import type { Order, Reply } from '../../src/store/sqlite/messages.ts'
import { sweepBySteps } from '../../src/store/sqlite/sweep-by-steps.ts'
import { countingStamps } from '../../src/store/suite/samples.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

const committed: Reply = { is: 'committed' }
const order = { now: 0, eventsBefore: 0, limit: 8 }

/** The end of one turn of the event loop. */
const turn = (): void => void vi.advanceTimersToNextTimer()

/** A queue whose writer is the test. A unit is written as its name. */
function startQueue(different: Partial<SqliteLimits> = {}) {
  const sent: Order[] = []
  let time = 0
  const queue = createCommitQueue({
    send: (message) => void sent.push(message),
    clock: { monotonic: () => time },
    random: countingStamps(),
    limits: { ...sqliteLimits, busyMillis: 1_000, answerMillis: 3_000, queuedUnits: 5, gatherTurns: 0, ...different },
  })
  const commit = (name: BatchValue): Promise<string> =>
    queue.commit([name]).catch((error: unknown) => (error instanceof StoreUnavailable ? error.outcome : String(error)))
  const pass = async (millis: number): Promise<void> => {
    time += millis
    await vi.advanceTimersByTimeAsync(millis)
  }
  return { ...queue, commit, sent, pass }
}

describe('the queue of commits', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('puts what arrives within a turn into one batch, and what arrives meanwhile into the next', async () => {
    const { commit, receive, sent, pass } = startQueue()
    const first = [commit('a'), commit('b')]
    expect(sent).toEqual([])
    await pass(0)
    expect(sent).toEqual([['a', 'b']])
    const second = [commit('c'), commit('d')]
    await pass(0)
    expect(sent).toHaveLength(1)
    receive(committed)
    const third = commit('e')
    expect(sent).toHaveLength(1)
    await pass(0)
    expect(sent).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
    receive({ is: 'judged', outcomes: ['conflict', { refused: 'too big' }, 'committed'] })
    const outcomes = await Promise.all([...first, ...second, third])
    expect(outcomes).toEqual(['committed', 'committed', 'conflict', 'none', 'committed'])
  })

  test('waits with one core until a turn brings no more', () => {
    const { commit, sent } = startQueue({ gatherTurns: 4 })
    void commit('a')
    turn()
    void commit('b')
    turn()
    expect(sent).toEqual([])
    turn()
    expect(sent).toEqual([['a', 'b']])
  })

  test('waits with one core for four turns at most', () => {
    const { commit, sent } = startQueue({ gatherTurns: 4 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      expect(sent, name).toEqual([])
      void commit(name)
      turn()
    }
    expect(sent).toEqual([['a', 'b', 'c', 'd', 'e']])
  })

  test('waits no longer once one more would save nothing', () => {
    const { commit, sent } = startQueue({ gatherTurns: 4, queuedUnits: 64 })
    const units = Array.from({ length: 64 }, (_, index) => index)
    for (const unit of units) void commit(unit)
    turn()
    expect(sent).toEqual([units])
  })

  test('answers nothing before the writer did', async () => {
    const { commit, receive, pass } = startQueue()
    let answered = false
    const done = commit('a').finally(() => (answered = true))
    await pass(100)
    expect(answered).toBe(false)
    receive(committed)
    await done
  })

  test('FLT-06: tries a locked file again with whatever came meanwhile, and lets nobody wait longer than the limit', async () => {
    const { commit, receive, sent, pass } = startQueue()
    const early = commit('early')
    await pass(0)
    await pass(600)
    const late = commit('late')
    receive({ is: 'busy' })
    await pass(20)
    expect(sent.at(-1)).toEqual(['early', 'late'])
    await pass(500)
    receive({ is: 'busy' })
    expect(await early).toBe('none')
    await pass(20)
    expect(sent.at(-1)).toEqual(['late'])
    receive(committed)
    expect(await late).toBe('committed')
  })

  test('gives up on a writer that does not answer: what it has is unknown, what waits did not happen', async () => {
    const { commit, refusal, receive, pass } = startQueue()
    const begun = commit('begun')
    await pass(0)
    const waiting = commit('waiting')
    await pass(3_000)
    expect([await begun, await waiting]).toEqual(['unknown', 'none'])
    // Nobody is kept waiting for a disk that is known to be stuck,
    expect(await commit('refused')).toBe('none')
    expect(refusal()).toBeDefined()
    // and everything goes on once it answers.
    receive(committed)
    expect(refusal()).toBeUndefined()
    const after = commit('after')
    await pass(0)
    receive(committed)
    expect(await after).toBe('committed')
  })

  test('does not blame the writer for a quiet time', async () => {
    const { commit, receive, pass, refusal } = startQueue()
    await pass(10_000)
    const first = commit('a')
    await pass(0)
    await pass(2_900)
    receive(committed)
    expect(await first).toBe('committed')
    await pass(10_000)
    expect(refusal()).toBeUndefined()
  })

  test('FLT-05: a writer that died takes nothing on any more', async () => {
    const { commit, fail, pass, sent } = startQueue()
    const begun = commit('begun')
    await pass(0)
    const waiting = commit('waiting')
    fail(new StoreUnavailable('died', 'none'))
    expect([await begun, await waiting, await commit('later')]).toEqual(['unknown', 'none', 'none'])
    await pass(100)
    expect(sent).toHaveLength(1)
  })

  test('refuses more than it has room for', async () => {
    const { commit, receive, pass } = startQueue()
    const taken = ['a', 'b', 'c', 'd', 'e'].map(commit)
    expect(await commit('f')).toBe('none')
    await pass(0)
    receive(committed)
    expect(await Promise.all(taken)).toEqual(taken.map(() => 'committed'))
  })

  test('lets batches and steps of a sweep take turns', async () => {
    const { commit, sweep, receive, sent, pass } = startQueue()
    const first = commit('a')
    await pass(0)
    const step = sweep(order)
    const second = commit('b')
    receive(committed)
    await pass(0)
    expect(sent.at(-1)).toEqual(order)
    const third = commit('c')
    receive({ is: 'swept', deleted: 3, more: true })
    expect(await step).toMatchObject({ deleted: 3 })
    await pass(0)
    expect(sent.at(-1)).toEqual(['b', 'c'])
    receive(committed)
    expect(await Promise.all([first, second, third])).toEqual(['committed', 'committed', 'committed'])
  })

  test('drains: what was taken on is done, nothing new is taken on', async () => {
    const { commit, drain, receive, sent, pass } = startQueue()
    const first = commit('a')
    await pass(0)
    const second = commit('b')
    let drained = false
    const draining = drain().then(() => (drained = true))
    expect(await commit('c')).toBe('none')
    receive(committed)
    await pass(0)
    expect([sent.at(-1), drained]).toEqual([['b'], false])
    receive(committed)
    await pass(0)
    await draining
    expect(await Promise.all([first, second])).toEqual(['committed', 'committed'])
  })

  test('drains at once when there is nothing to do', async () => {
    const { drain, pass } = startQueue()
    const draining = drain()
    await pass(0)
    await draining
  })
})

describe('a sweep by steps', () => {
  test.each([
    ['slow', 1, 8],
    ['quick', 0.001, 256],
  ])('on a %s disk takes steps of a fitting size', async (_, millisEach, settlesAt) => {
    let time = 0
    const limits: number[] = []
    const swept = await sweepBySteps({
      queue: {
        async sweep({ limit }) {
          limits.push(limit)
          time += limit * millisEach
          return { is: 'swept', deleted: limit, more: true }
        },
      },
      clock: { monotonic: () => time },
      now: 0,
      eventsBefore: 0,
      limit: 2_000,
    })
    expect(swept).toBe(2_000)
    expect(limits.at(-2)).toBe(settlesAt)
  })

  test('ends when there is no more, and when somebody else writes', async () => {
    const answers = [{ is: 'swept', deleted: 5, more: true }, 'busy'] as const
    let asked = 0
    const sweep = async () => answers[asked++] ?? 'busy'
    const options = { clock: { monotonic: () => 0 }, now: 0, eventsBefore: 0, limit: 100 }
    expect(await sweepBySteps({ ...options, queue: { sweep } })).toBe(5)
    const last = async () => ({ is: 'swept', deleted: 7, more: false }) as const
    expect(await sweepBySteps({ ...options, queue: { sweep: last } })).toBe(7)
  })
})
