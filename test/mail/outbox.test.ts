import { describe, expect, test, vi } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { create, ref } from '../../src/domain/record.ts'
import type { Letter } from '../../src/mail/letter.ts'
import { startOutbox } from '../../src/mail/outbox.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { errandOwner } from '../../src/store/start-errands.ts'
import { commitNew } from '../../src/store/transition.ts'

const random = createRandom()

function house() {
  let now = 1_800_000_000
  const clock = { seconds: () => now, millis: () => now * 1000, monotonic: () => now * 1000 }
  const { store } = openMemoryStore()
  const transition = { store, clock, random }
  const letter = (id: string): Letter => ({ to: id, subject: '', text: '', html: '' })
  return {
    store,
    advance: (seconds: number) => {
      now += seconds
    },
    put: (id: string) =>
      commitNew(transition, [
        create(
          ref('outbox', id),
          { v: 1, ticketId: id, language: 'en', attempts: 0, nextAt: now, createdAt: now },
          { expiresAt: now + 86_400, owners: [errandOwner] },
        ),
      ]),
    left: async () => (await store.list('outbox', errandOwner, { limit: 10 })).records.length,
    start: (
      send: (letter: Letter) => Promise<void>,
      compose = async (id: string) => letter(id) as Letter | undefined,
    ) =>
      startOutbox({
        transition,
        compose: ({ ticketId }) => compose(ticketId),
        send,
        onFailure: () => undefined,
      }),
  }
}

describe('the outbox', () => {
  test('sends what was committed before it started, and forgets what was taken over', async () => {
    const { put, start, left } = house()
    await put('a')
    const sent: string[] = []
    const outbox = start(async ({ to }) => void sent.push(to))
    await vi.waitFor(async () => expect([sent, await left()]).toEqual([['a'], 0]), 20_000)
    await outbox.close()
  })

  test('a letter that fails stays, is tried again later, and not before', async () => {
    const { put, start, left, advance } = house()
    await put('a')
    let attempts = 0
    const outbox = start(async () => {
      attempts += 1
      if (attempts === 1) throw new Error('mail server away')
    })
    await vi.waitFor(() => expect(attempts).toBe(1), 20_000)
    outbox.wake()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([attempts, await left()]).toEqual([1, 1])
    advance(61)
    outbox.wake()
    await vi.waitFor(async () => expect([attempts, await left()]).toEqual([2, 0]), 20_000)
    await outbox.close()
  })

  test('two nodes on one outbox send a letter once', async () => {
    const { put, start, left } = house()
    for (const id of ['a', 'b', 'c', 'd']) await put(id)
    const sent: string[] = []
    const send = async ({ to }: Letter) => void sent.push(to)
    const nodes = [start(send), start(send), start(send)]
    await vi.waitFor(async () => expect(await left()).toBe(0), 20_000)
    expect(sent.toSorted()).toEqual(['a', 'b', 'c', 'd'])
    await Promise.all(nodes.map((node) => node.close()))
  })

  test('where there is nobody to write to, nothing is sent and nothing stays', async () => {
    const { put, start, left } = house()
    await put('a')
    const sent: string[] = []
    const outbox = start(
      async ({ to }) => void sent.push(to),
      async () => undefined,
    )
    await vi.waitFor(async () => expect(await left()).toBe(0), 20_000)
    expect(sent).toEqual([])
    await outbox.close()
  })
})
