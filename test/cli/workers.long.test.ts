import { afterAll, afterEach, expect, test } from 'vitest'
import { endServers, serve, spawned, workplace } from './bench.ts'

const places = [workplace(), workplace()] as const
afterEach(() => endServers())
afterAll(() => {
  for (const { remove } of places) remove()
})

test('what keeps the first worker from listening is said once, and ends it all', { timeout: 120_000 }, async () => {
  const taken = await serve(places[0].directory)
  const args = ['serve', '--workers', '2', '--port', new URL(taken.issuer).port]
  const said = await spawned(places[1].directory, args)
  expect(said.code).toBe(1)
  expect(said.err).toMatch(/^gatehouse: [^\n]*is taken by another program: stop it, or choose another with --port\n$/)
})

test('FLT-34: a server of workers is still the one server of its file', { timeout: 120_000 }, async () => {
  const [{ directory }] = places
  const server = await serve(directory, ['--workers', '2'])
  const said = await spawned(directory, ['serve', '--port', '0', '--issuer', server.issuer])
  expect(said.code).toBe(1)
  expect(said.err).toMatch(/is served by another process already/)
})
