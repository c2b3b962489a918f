import { afterEach, describe, expect, test } from 'vitest'
import { createHealth } from '../../src/server/health.ts'
import { listenForMetrics, type MetricsListener } from '../../src/server/metrics-listener.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { takeEnvironment } from '../../src/server/environment.ts'
import { createSystem } from '../../src/server/system.ts'
import { sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

describe('health', () => {
  function made(over: Partial<Parameters<typeof createHealth>[0]> = {}) {
    let now = 0
    const health = createHealth({
      clock: { monotonic: () => now },
      ping: () => Promise.resolve(),
      keysReady: () => true,
      ...over,
    })
    return { health, pass: (millis: number) => void (now += millis) }
  }
  async function started(over: Parameters<typeof made>[0] = {}) {
    const { health, pass } = made(over)
    const server: TestShell = await startShell(health.routes, { issuer: 'https://login.example.org' })
    closing.push(() => server.shell.close())
    return {
      health,
      pass,
      ask: async (path: string) => {
        const answer = await fetch(`${server.origin}${path}`)
        return [answer.status, await answer.text()]
      },
      retryAfter: async () => (await fetch(`${server.origin}/readyz`)).headers.get('retry-after'),
    }
  }

  test('alive and ready', async () => {
    const { ask } = await started()
    expect(await ask('/healthz')).toEqual([200, 'alive\n'])
    expect(await ask('/readyz')).toEqual([200, 'ready\n'])
  })

  test('not ready without its store, and ready again by itself', async () => {
    let down = true
    const { ask, pass } = await started({
      ping: () => (down ? Promise.reject(new Error('secret path')) : Promise.resolve()),
    })
    expect(await ask('/readyz')).toEqual([503, 'not ready: store\n'])
    expect(await ask('/healthz')).toEqual([200, 'alive\n'])
    down = false
    pass(250)
    expect(await ask('/readyz')).toEqual([200, 'ready\n'])
  })

  test('a store that hangs is one that doesn’t answer', async () => {
    const { ask } = await started({ ping: () => new Promise(() => {}) })
    expect(await ask('/readyz')).toEqual([503, 'not ready: store\n'])
  })

  test('whoever isn’t ready says when to ask again, but for one who stops for good', async () => {
    let keys = false
    const { health, retryAfter } = await started({ keysReady: () => keys })
    expect(await retryAfter()).toBe('1')
    keys = true
    expect(await retryAfter()).toBeNull()
    health.stop()
    expect(await retryAfter()).toBeNull()
  })

  test('not ready without keys, and never again once it stops', async () => {
    let keys = false
    const { ask, health } = await started({ keysReady: () => keys })
    expect(await ask('/readyz')).toEqual([503, 'not ready: keys\n'])
    keys = true
    expect(await ask('/readyz')).toEqual([200, 'ready\n'])
    health.stop()
    expect(await ask('/readyz')).toEqual([503, 'not ready: stopping\n'])
    expect(await ask('/healthz')).toEqual([200, 'alive\n'])
  })

  test('strangers who ask often don’t make the store work', async () => {
    let pings = 0
    const { ask } = await started({ ping: () => ((pings += 1), Promise.resolve()) })
    for (let n = 0; n < 20; n += 1) await ask('/readyz')
    expect(pings).toBe(1)
  })
})

describe('metrics', () => {
  async function listening(
    metrics = createMetrics(),
  ): Promise<{ metrics: typeof metrics; listener: MetricsListener; text: () => Promise<string> }> {
    const listener = await listenForMetrics(metrics, 0)
    closing.push(listener.close)
    return {
      metrics,
      listener,
      text: async () => (await fetch(`http://127.0.0.1:${listener.address.port}/metrics`)).text(),
    }
  }

  test('requests and durations by route and status, never by what a stranger wrote', async () => {
    const { metrics, text } = await listening()
    const counts = metrics.route('POST', '/oauth/token')
    metrics.route('GET', '/never')
    for (let n = 0; n < 3; n += 1) metrics.observe(counts, 200, 0.3)
    metrics.observe(counts, 400, 30)
    metrics.observe(counts, 503, 60_000)
    metrics.storeCommit(2)
    const printed = await text()
    expect(printed).toContain('gatehouse_requests_total{method="POST",route="/oauth/token",status="200"} 3')
    expect(printed).toContain('gatehouse_requests_total{method="POST",route="/oauth/token",status="400"} 1')
    expect(printed).toContain('# TYPE gatehouse_request_seconds histogram')
    expect(printed).toContain('gatehouse_request_seconds_bucket{method="POST",route="/oauth/token",le="0.0005"} 3')
    expect(printed).toContain('gatehouse_request_seconds_bucket{method="POST",route="/oauth/token",le="0.05"} 4')
    expect(printed).toContain('gatehouse_request_seconds_bucket{method="POST",route="/oauth/token",le="5"} 4')
    expect(printed).toContain('gatehouse_request_seconds_bucket{method="POST",route="/oauth/token",le="+Inf"} 5')
    expect(printed).toContain('gatehouse_request_seconds_count{method="POST",route="/oauth/token"} 5')
    expect(printed).toMatch(/gatehouse_request_seconds_sum\{[^}]+\} 60\.0309/)
    expect(printed).toContain('gatehouse_store_commit_seconds_bucket{le="0.0025"} 1')
    expect(printed).toContain('process_cpu_user_seconds_total')
    expect(printed).not.toContain('/never')
  })

  test('tokens by grant type, refusals by reason, gauges when they are read', async () => {
    const metrics = createMetrics()
    let queue = 3
    metrics.gauge('password_queue', 'Passwords that wait', () => queue)
    const { text } = await listening(metrics)
    metrics.issued('client_credentials')
    metrics.refused('secret_wrong')
    metrics.refused('secret_wrong')
    metrics.count('shed_requests')
    queue = 7
    const printed = await text()
    expect(printed).toContain('gatehouse_tokens_issued_total{grant_type="client_credentials"} 1')
    expect(printed).toContain('gatehouse_refusals_total{reason="secret_wrong"} 2')
    expect(printed).toContain('gatehouse_shed_requests_total 1')
    expect(printed).toContain('gatehouse_password_queue 7')
    // Asked twice, counted once.
    expect(await text()).toContain('gatehouse_refusals_total{reason="secret_wrong"} 2')
  })

  test('labels are bounded, whoever names them', async () => {
    const { metrics, text } = await listening()
    for (let n = 0; n < 10_000; n += 1) metrics.refused(`invented ${n}`)
    const printed = await text()
    expect(printed.match(/^gatehouse_refusals_total\{/gm)).toHaveLength(201)
    expect(printed).toContain('gatehouse_refusals_total{reason="other"} 9800')
  })

  test('are on loopback alone, under a loopback Host alone, and there is nothing else', async () => {
    const { listener } = await listening()
    const { port, address } = listener.address
    expect(address).toBe('127.0.0.1')
    const ask = async (line: string, host: string) =>
      statusOf(await sendRaw(port, `${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
    expect(await ask('GET /metrics', `localhost:${port}`)).toBe(200)
    expect(await ask('GET /metrics', 'rebound.example')).toBe(421)
    expect(await ask('POST /metrics', `localhost:${port}`)).toBe(405)
    expect(await ask('GET /', `localhost:${port}`)).toBe(404)
  })

  test('the shell counts what it answered, under the route’s pattern', async () => {
    const server = await startShell([
      {
        method: 'GET',
        path: '/api/v1/users/:id',
        kind: 'none',
        access: 'token',
        endpoint: () => ({ status: 200, headers: [], body: '' }),
      },
    ])
    closing.push(() => server.shell.close())
    await fetch(`${server.origin}/api/v1/users/secret-id`)
    await fetch(`${server.origin}/nothing/secret-path`)
    const { text } = await listening(server.metrics)
    const printed = await text()
    expect(printed).toContain('gatehouse_requests_total{method="GET",route="/api/v1/users/:id",status="200"} 1')
    expect(printed).toContain('gatehouse_requests_total{method="",route="unmatched",status="404"} 1')
    expect(printed).toMatch(/gatehouse_connections \d/)
    expect(printed).not.toContain('secret-')
  })
})

test('our secrets leave the environment when they are read; the rest stays, and can’t be changed', () => {
  process.env['GATEHOUSE_SECRET'] = 'a secret'
  process.env['GATEHOUSE_ADMIN_PASSWORD'] = 'a password'
  process.env['GATEHOUSE_PORT'] = '9000'
  try {
    const taken = takeEnvironment()
    expect(taken).toMatchObject({
      GATEHOUSE_SECRET: 'a secret',
      GATEHOUSE_ADMIN_PASSWORD: 'a password',
      GATEHOUSE_PORT: '9000',
    })
    expect(Object.keys(process.env).filter((name) => name.startsWith('GATEHOUSE_'))).toEqual(['GATEHOUSE_PORT'])
    expect(Object.isFrozen(taken)).toBe(true)
  } finally {
    delete process.env['GATEHOUSE_SECRET']
    delete process.env['GATEHOUSE_ADMIN_PASSWORD']
    delete process.env['GATEHOUSE_PORT']
  }
})

test('the real clock agrees with itself', () => {
  const { clock, random } = createSystem()
  expect(clock.seconds()).toBe(Math.floor(clock.millis() / 1000))
  const before = clock.monotonic()
  expect(clock.monotonic()).toBeGreaterThanOrEqual(before)
  expect(random.text(9)).toHaveLength(12)
})
