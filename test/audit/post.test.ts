import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createFileSink } from '../../src/audit/file-sink.ts'
import { openPost, type OpenedPost } from '../../src/audit/post.ts'
import { SinkFailed, type EventSink } from '../../src/audit/sink.ts'
import { AuditSinkDown } from '../../src/audit/sink-down.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { append, put } from '../../src/domain/record.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore, Store } from '../../src/store/port.ts'
import { commitNew } from '../../src/store/transition.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

const random = createRandom()
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-sink-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type House = {
  readonly opened: OpenStore
  readonly taken: () => readonly string[]
  readonly state: { answer: 'yes' | 'no' | 'never'; meanwhile?: () => Promise<void> }
  readonly advance: (seconds: number) => void
  readonly post: (holder: string, store?: Store) => OpenedPost
  readonly happen: (store: Store, id?: string) => Promise<string>
}

function house(): House {
  const opened = openMemoryStore()
  let added = 0
  const lines: string[] = []
  const state: House['state'] = { answer: 'yes' }
  const answer = async (): Promise<void> => {
    if (state.answer === 'no') throw new SinkFailed('the collector answered 500')
    if (state.answer === 'never') await new Promise(() => undefined)
  }
  const sink: EventSink = {
    deliver: async (text) => {
      await answer()
      await state.meanwhile?.()
      lines.push(...text.trimEnd().split('\n'))
    },
    probe: answer,
    close: async () => undefined,
  }
  const clock = {
    millis: () => Date.now() + added * 1000,
    seconds: () => Math.floor(Date.now() / 1000) + added,
    monotonic: () => performance.now() + added * 1000,
  }
  return {
    opened,
    taken: () => lines.map((line) => (JSON.parse(line) as { id: string }).id),
    state,
    advance: (seconds) => void (added += seconds),
    post: (holder, store = opened.store) =>
      openPost({
        transition: { store, clock, random },
        clock,
        holder,
        sink,
        onDown: () => undefined,
        onUp: () => undefined,
        onError: (error) => {
          throw error
        },
      }),
    happen: async (store, id = random.id(clock.millis())) => {
      await commitNew({ store, clock, random }, [append(id, { v: 1, type: 'token.issued', at: clock.seconds() })])
      return id
    },
  }
}

const soon = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5))

test('what was committed goes to the sink, with its id; what was refused does not', async () => {
  const { opened, post, happen, taken } = house()
  const store = post('one').guard(opened.store)
  const id = await happen(store)
  await expect(happen(store, id)).rejects.toThrow('already exists')
  await soon()
  expect(taken()).toEqual([id])
})

test.each(['no', 'never'] as const)(
  'FLT-31: a sink that answers %s: nothing is committed, within two seconds',
  async (answer) => {
    const { opened, post, happen, state, advance } = house()
    const store = post('one').guard(opened.store)
    await happen(store)
    await soon()
    advance(2)
    state.answer = answer
    const began = performance.now()
    const id = random.id(Date.now())
    await expect(happen(store, id)).rejects.toBeInstanceOf(AuditSinkDown)
    expect(performance.now() - began).toBeLessThan(2000)
    expect(await opened.store.read([{ kind: 'event', id }])).toEqual([undefined])
    // Without an event nothing waits for it.
    const write = put(
      { kind: 'lease', id: 'x', version: null, value: undefined },
      { v: 1, holder: '' },
      { expiresAt: null, owners: [] },
    )
    expect(await store.commit([{ ...write, version: 'v' } as never])).toBe('committed')
  },
)

test('it heals by itself, and what was committed before is not lost', async () => {
  const { opened, post, happen, state, taken, advance } = house()
  const store = post('one').guard(opened.store)
  const first = await happen(store)
  await soon()
  state.answer = 'no'
  // Its last answer counts for a second.
  const second = await happen(store)
  await soon()
  await expect(happen(store)).rejects.toBeInstanceOf(AuditSinkDown)
  state.answer = 'yes'
  advance(1)
  const third = await happen(store)
  await expect.poll(taken).toEqual([first, second, third])
})

test('INV7: a commit whose outcome nobody learned is told if it is stored, and only then', async () => {
  const { opened, post, happen, taken } = house()
  let fate: 'stored' | 'lost' = 'stored'
  const lossy: Store = {
    ...opened.store,
    commit: async (writes) => {
      if (fate === 'stored') await opened.store.commit(writes)
      throw new StoreUnavailable('the answer was lost', 'unknown')
    },
  }
  const store = post('one', opened.store).guard(lossy)
  const stored = random.id(Date.now())
  await happen(store, stored)
  fate = 'lost'
  await expect(happen(store)).rejects.toBeInstanceOf(StoreUnavailable)
  await soon()
  expect(new Set(taken())).toEqual(new Set([stored]))
})

test('what a process that was killed had not delivered another delivers, at least once', async () => {
  const { opened, post, happen, state, taken, advance } = house()
  const killed = post('killed')
  const store = killed.guard(opened.store)
  await killed.begin()
  await happen(store)
  state.answer = 'never'
  const left = await happen(store)
  expect(taken()).not.toContain(left)
  const other = post('other')
  await other.begin()
  state.answer = 'yes'
  await other.round()
  expect(taken()).not.toContain(left)
  advance(200)
  await other.round()
  expect(taken()).toContain(left)
  const posts = await opened.store.list('relay', '*', { limit: 9 })
  expect(posts.records.map(({ id }) => id)).toEqual(['other'])
  await other.end()
})

test('a process that ends in order leaves nothing to others', async () => {
  const { opened, post, happen, taken } = house()
  const ending = post('ending')
  const id = await happen(ending.guard(opened.store))
  await ending.end()
  expect(taken()).toEqual([id])
  expect((await opened.store.list('relay', '*', { limit: 9 })).records).toEqual([])
})

test('what was drawn before the last word of a process that was killed, and committed after it, is delivered too', async () => {
  const { opened, post, happen, state, taken, advance } = house()
  const killed = post('killed')
  const store = killed.guard(opened.store)
  await killed.begin()
  await happen(store)
  await soon()
  state.answer = 'never'
  const early = await happen(store, random.id(Date.now() - 30_000))
  state.answer = 'yes'
  advance(200)
  const other = post('other')
  await other.round()
  expect(taken()).toContain(early)
  await other.end()
})

test('a commit under way holds the word of a process back: what comes of it may be as old', async () => {
  const { opened, post, happen, advance } = house()
  const { promise, resolve } = Promise.withResolvers<void>()
  const hanging: Store = {
    ...opened.store,
    commit: async (writes) => {
      await promise
      return opened.store.commit(writes)
    },
  }
  const one = post('one')
  await one.begin()
  const began = Date.now()
  const under = happen(one.guard(hanging), random.id(began))
  await soon()
  advance(600)
  await one.round()
  const { records } = await opened.store.list('relay', '*', { limit: 9 })
  expect(records.map(({ value }) => ('since' in value ? value.since : 0))).toEqual([began - 60_000])
  resolve()
  await under
  await one.end()
})

test('a process that comes back while it is taken over keeps its place', async () => {
  const { opened, post, happen, state, advance } = house()
  const [silent, other] = [post('silent'), post('other')]
  await happen(silent.guard(opened.store))
  await soon()
  advance(200)
  state.meanwhile = async () => {
    delete state.meanwhile
    await silent.round()
  }
  await other.round()
  const { records } = await opened.store.list('relay', '*', { limit: 9 })
  expect(records.map(({ id }) => id)).toEqual(['other', 'silent'])
  await Promise.all([silent.end(), other.end()])
})

test('a process that ends before the sink has everything leaves it to others, and a line that hangs holds up no later one', async () => {
  const { opened, post, happen, state, taken, advance } = house()
  const [ending, patient] = [post('ending'), post('patient')]
  await happen(ending.guard(opened.store))
  await happen(patient.guard(opened.store))
  await soon()
  state.answer = 'never'
  const [left, late] = [await happen(ending.guard(opened.store)), await happen(patient.guard(opened.store))]
  await ending.end()
  expect(taken()).not.toContain(left)
  state.answer = 'yes'
  await expect.poll(taken).toContain(late)
  advance(200)
  await patient.round()
  expect(taken()).toContain(left)
  await patient.end()
})

test('a file may be rotated, and one that cannot be written says so', async () => {
  const path = join(folder, 'audit.jsonl')
  const sink = createFileSink(path)
  await sink.deliver('{"id":"1"}\n')
  renameSync(path, `${path}.1`)
  await sink.probe()
  await sink.deliver('{"id":"2"}\n')
  await sink.close()
  expect([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['{"id":"1"}\n', '{"id":"2"}\n'])
  await expect(createFileSink(join(folder, 'nowhere', 'a')).deliver('x\n')).rejects.toThrow("can't be written (ENOENT)")
  const full = createFileSink('/dev/full')
  await expect(full.deliver('x\n')).rejects.toThrow("can't be written (ENOSPC)")
  await full.close()
})

// A pipe takes what is written and can't be synced: as a device that fails behind the write.
test.runIf(process.platform === 'linux')(
  'a line is delivered when it is synced, and one that may have broken off ends before the next',
  async () => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    const pipe = openSync(path, 'r+')
    const sink = createFileSink(path)
    for (const line of ['a', 'b']) await expect(sink.deliver(`${line}\n`)).rejects.toThrow("can't be written (EINVAL)")
    await sink.close()
    const read = Buffer.alloc(99)
    expect(read.toString('utf8', 0, readSync(pipe, read))).toBe('a\n\nb\n')
    closeSync(pipe)
  },
)

test.runIf(process.platform === 'linux')(
  'a file where no space is left is no sink, before anything is written',
  async () => {
    // A file system without a free block that lets itself be opened for writing.
    const sink = createFileSink('/proc/self/comm')
    await expect(sink.probe()).rejects.toThrow('no space is left')
    await sink.close()
  },
)
