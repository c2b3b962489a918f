import { afterAll, describe, expect, test } from 'vitest'
import { createOverload } from '../../src/server/overload.ts'
import { priorities, type Route } from '../../src/server/route.ts'
import { startShell } from './support/shell.ts'

function watched() {
  let now = 0
  const changes: boolean[] = []
  const overload = createOverload({ monotonic: () => now }, ({ overloaded }) => void changes.push(overloaded))
  return {
    overload,
    changes,
    /** So many looks at the clock, each so late. */
    pass: (looks: number, lateMillis: number) => {
      for (let n = 0; n < looks; n += 1) {
        now += 20 + lateMillis
        overload.tick()
      }
    },
  }
}

const shed = (overload: ReturnType<typeof createOverload>) => priorities.filter((priority) => overload.sheds(priority))

describe('FLT-20: what gives way under load', () => {
  test('nothing, while the event loop is on time', () => {
    const { overload, pass } = watched()
    pass(1000, 15)
    expect(shed(overload)).toEqual([])
    expect(overload.pressure()).toBe(0)
  })

  test('nothing, for single hiccups however long', () => {
    const { overload, pass } = watched()
    for (let round = 0; round < 50; round += 1) {
      pass(1, 2000)
      pass(3, 1)
    }
    expect(shed(overload)).toEqual([])
  })

  test('the least important first, health never', () => {
    const { overload, pass } = watched()
    const order: string[] = []
    for (let look = 0; look < 400; look += 1) {
      pass(1, 100)
      for (const priority of priorities) {
        const wholly = overload.sheds(priority) && overload.sheds(priority) && overload.sheds(priority)
        if (wholly && !order.includes(priority)) order.push(priority)
      }
    }
    expect(order).toEqual(['list', 'sign-in', 'authorize', 'token', 'introspect', 'revoke'])
    expect(overload.sheds('vital')).toBe(false)
  })

  test('a part of one priority, before all of it', () => {
    const { overload, pass } = watched()
    pass(8, 50)
    const part = Math.min(1, overload.pressure())
    expect(part).toBeGreaterThan(0)
    expect(part).toBeLessThan(1)
    const turnedAway = Array.from({ length: 1000 }, () => overload.sheds('list')).filter(Boolean).length
    expect(turnedAway).toBeGreaterThan(1000 * part - 2)
    expect(turnedAway).toBeLessThan(1000 * part + 2)
    expect(overload.sheds('sign-in')).toBe(false)
  })

  test('and all is well again within two seconds of calm; both turns are told', () => {
    const { overload, pass, changes } = watched()
    pass(500, 200)
    expect(overload.pressure()).toBe(priorities.length - 1)
    pass(100, 1)
    expect(shed(overload)).toEqual([])
    expect(changes).toEqual([true, false])
  })

  test('FLT-21: Retry-After differs from one to the next, evenly from 1 to 5', () => {
    const { overload } = watched()
    const counts = new Map<number, number>()
    for (let n = 0; n < 1000; n += 1) {
      const seconds = overload.retryAfterSeconds()
      counts.set(seconds, (counts.get(seconds) ?? 0) + 1)
    }
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5])
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(30)
  })
})

test(
  'FLT-20: over HTTP: a loop that stays late turns work away at once, in the words of the route, and never health',
  { timeout: 60_000 },
  async () => {
    const work: Route = {
      method: 'GET',
      path: '/work',
      kind: 'none',
      access: 'token',
      endpoint: () => ({ status: 200, headers: [], body: 'done' }),
    }
    const server = await startShell([
      work,
      { ...work, path: '/healthz', access: 'operator' },
      { ...work, path: '/page', access: 'browser' },
    ])
    afterAll(() => server.shell.close())
    let busy = true
    const block = (): void => {
      const until = performance.now() + 150
      while (performance.now() < until);
      if (busy) setTimeout(block, 1)
    }
    block()
    await expect.poll(async () => (await fetch(`${server.origin}/work`)).status, { timeout: 30_000 }).toBe(503)
    await expect.poll(async () => (await fetch(`${server.origin}/page`)).status, { timeout: 30_000 }).toBe(503)
    const refused = await fetch(`${server.origin}/page`)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await refused.text()).toContain('data-error="temporarily_unavailable"')
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200)
    busy = false
    await expect.poll(async () => (await fetch(`${server.origin}/work`)).status, { timeout: 10_000 }).toBe(200)
    expect(server.metrics.snapshot().counters.get('shed_requests')).toBeGreaterThan(0)
    await expect.poll(() => server.lines().join('')).toContain('server.recovered')
    expect(server.lines().join('')).toContain('server.overloaded')
  },
)

test('H08: sign-ins that come at once take a turn of the event loop each, and a token request gets in between', async () => {
  const order: string[] = []
  const busy: Route = {
    method: 'POST',
    path: '/signin',
    kind: 'form',
    access: 'browser',
    endpoint: () => {
      order.push('sign-in')
      const until = performance.now() + 5
      while (performance.now() < until);
      return { status: 503, headers: [], body: '' }
    },
  }
  const token: Route = {
    ...busy,
    path: '/token',
    access: 'token',
    endpoint: () => {
      order.push('token')
      return { status: 200, headers: [], body: '' }
    },
  }
  const server = await startShell([busy, token])
  afterAll(() => server.shell.close())
  const post = async (path: string) =>
    (await fetch(`${server.origin}${path}`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })).status
  const burst = 24
  // Connections first, so that what follows arrives together.
  await Promise.all(Array.from({ length: burst + 1 }, () => post('/token')))
  order.length = 0
  const answers = await Promise.all([...Array.from({ length: burst }, () => post('/signin')), post('/token')])
  expect(answers).toEqual([...Array.from({ length: burst }, () => 503), 200])
  expect(order).toHaveLength(burst + 1)
  expect(order.indexOf('token')).toBeLessThan(burst / 3)
})
