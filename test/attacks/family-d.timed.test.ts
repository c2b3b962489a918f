import { afterAll, beforeAll, expect, test } from 'vitest'
import { tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient
beforeAll(async () => {
  server = await startGatehouse()
  app = await server.makeClient()
})
afterAll(() => server.close())

const pairs = 2_000

/** The secret with another letter at one place. */
function changedAt(index: number): string {
  const { secret } = app
  return `${secret.slice(0, index)}${secret[index] === 'x' ? 'y' : 'x'}${secret.slice(index + 1)}`
}

async function timed(secret: string): Promise<number> {
  const basic = `Basic ${Buffer.from(`${app.clientId}:${secret}`).toString('base64')}`
  const form = { grant_type: 'client_credentials', scope: 'read' }
  const startedAt = performance.now()
  const { status } = await tokenRequest(server, { ...app, basic }, form)
  const millis = performance.now() - startedAt
  expect(status).toBe(401)
  server.core.limits.forgive('client-secret', [app.clientId, '127.0.0.1'])
  return millis
}

/** Welch's t of two samples, without the slowest twentieth of each: what the machine did meanwhile. */
function welch(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [one, other].map((sample) => {
    const kept = sample.toSorted((x, y) => x - y).slice(0, Math.floor(sample.length * 0.95))
    const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length
    const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1)
    return { mean, part: variance / kept.length }
  })
  if (a === undefined || b === undefined) throw new Error('two samples')
  return (a.mean - b.mean) / Math.sqrt(a.part + b.part)
}

test('D01 secret-timing: over HTTP a secret that differs at once takes as long as one that differs at the end', async () => {
  const [first, last] = [changedAt('gth_cs_00000000_'.length), changedAt(app.secret.length - 3)]
  const samples: { readonly first: number[]; readonly last: number[] } = { first: [], last: [] }
  for (let round = 0; round < 200; round += 1) await timed(round % 2 === 0 ? first : last)
  for (let round = 0; round < pairs; round += 1) {
    // Whichever comes second of a pair gains by what the other warmed.
    for (const which of round % 2 === 0 ? (['first', 'last'] as const) : (['last', 'first'] as const))
      samples[which].push(await timed(which === 'first' ? first : last))
  }
  const t = welch(samples.first, samples.last)
  console.log(`Welch's t of ${pairs} pairs: ${t.toFixed(2)}`)
  expect(Math.abs(t)).toBeLessThan(4.5)
})
