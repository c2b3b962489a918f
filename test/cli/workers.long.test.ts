import { afterAll, afterEach, expect, test } from 'vitest'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workersOf } from '../kit/workers-of.ts'
import { endServers, serve, spawned, workplace } from './bench.ts'

const [first, second, third] = [workplace(), workplace(), workplace()]
afterEach(() => endServers())
afterAll(() => {
  for (const { remove } of [first, second, third]) remove()
})

test('serve --workers 2 answers as one server, counts as one, and ends as one', { timeout: 60_000 }, async () => {
  const metricsPort = 20_000 + (process.pid % 10_000)
  const server = await serve(first.directory, ['--workers', '2', '--metrics-port', String(metricsPort)])
  await server.says(/answers at/)
  // Each on a connection of its own: the workers take turns, and both know what the one that writes has committed.
  const asked = Array.from({ length: 8 }, () =>
    fetch(`${server.issuer}/.well-known/jwks.json`, { headers: { connection: 'close' } }).then((answer) =>
      answer.text(),
    ),
  )
  expect(new Set(await Promise.all(asked)).size).toBe(1)
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  expect(text).toMatch(/^gatehouse_requests_total\{method="GET",route="\/\.well-known\/jwks\.json",status="200"\} 8$/m)
  server.signal('SIGTERM')
  expect(await server.ended).toBe(0)
})

test('what keeps the first worker from listening is said once, and ends it all', { timeout: 120_000 }, async () => {
  const taken = await serve(second.directory)
  const args = ['serve', '--workers', '2', '--port', new URL(taken.issuer).port]
  const said = await spawned(first.directory, args)
  expect(said.code).toBe(1)
  expect(said.err).toMatch(/^gatehouse: [^\n]*is taken by another program: stop it, or choose another with --port\n$/)
})

test('FLT-34: a server of workers is still the one server of its file', { timeout: 120_000 }, async () => {
  const { directory } = first
  const server = await serve(directory, ['--workers', '2'])
  const said = await spawned(directory, ['serve', '--port', '0', '--issuer', server.issuer])
  expect(said.code).toBe(1)
  expect(said.err).toMatch(/is served by another process already/)
})

test('what SIGHUP brings for accounts counts in every worker, and in one that comes later', async () => {
  const { directory } = second
  const file = join(directory, 'site.yaml')
  writeFileSync(file, 'users: { registration: closed }\n')
  const server = await serve(directory, ['--config', 'site.yaml', '--workers', '2'])
  await expect.poll(() => workersOf(server.pid).length).toBe(2)
  // Each on a connection of its own: the workers take turns.
  const registers = async () => {
    const ask = () => fetch(`${server.issuer}/register`, { headers: { connection: 'close' } })
    const answers = await Promise.all(Array.from({ length: 8 }, ask))
    return [...new Set(answers.map(({ status }) => status))]
  }
  expect(await registers()).toEqual([403])
  writeFileSync(file, 'users: { registration: open }\n')
  server.signal('SIGHUP')
  await server.says(/config\.reloaded/)
  await expect.poll(registers).toEqual([200])
  // What stands in the file counts when it is reloaded, for nobody sooner.
  writeFileSync(file, 'users: { registration: closed }\n')
  const [struck = 0] = workersOf(server.pid)
  process.kill(struck, 'SIGKILL')
  await server.says(/worker\.ended/)
  await expect.poll(() => workersOf(server.pid).filter((pid) => pid !== struck).length).toBe(2)
  await server.says(/server\.started(?:[^]*server\.started){2}/)
  expect(await registers()).toEqual([200])
  server.signal('SIGTERM')
  expect(await server.ended).toBe(0)
})

test('whatever has become of the file, a worker that dies is replaced, and nobody reads the secret in its environment', async () => {
  const { directory } = third
  const file = join(directory, 'gatehouse.yaml')
  const secret = 'jZr4vT0kQ2mX8pL6sW1yB9nD3fH5gC7aE0uRiOqMxKw'
  const accepted =
    'users: { registration: open }\nclients: [{ client_id: app, grant_types: [client_credentials], client_secret: { file: app } }]\n'
  writeFileSync(join(directory, 'app'), secret)
  writeFileSync(file, accepted)
  const server = await serve(directory, ['--workers', '2'], { GATEHOUSE_SECRET: `sealing-${secret}` })
  await expect.poll(() => workersOf(server.pid).length).toBe(2)
  const spoiled: readonly (readonly [string, () => void])[] = [
    ['takes a restart', () => writeFileSync(file, `${accepted}events: { keep_days: 30 }\n`)],
    ['is no YAML', () => writeFileSync(file, 'users: { registration: [\n')],
    ['is gone', () => rmSync(file)],
    ['names a secret that is gone', () => (writeFileSync(file, accepted), rmSync(join(directory, 'app')))],
  ]
  for (const [index, [, spoil]] of spoiled.entries()) {
    spoil()
    const [struck = 0] = workersOf(server.pid)
    process.kill(struck, 'SIGKILL')
    await server.says(new RegExp(`server\\.started(?:[^]*server\\.started){${index + 2}}`))
    expect(workersOf(server.pid).filter((pid) => pid !== struck)).toHaveLength(2)
  }
  // Each on a connection of its own: the workers take turns.
  for (let turn = 0; turn < 4; turn += 1)
    expect((await fetch(`${server.issuer}/register`, { headers: { connection: 'close' } })).status).toBe(200)
  for (const pid of workersOf(server.pid))
    for (const shown of ['environ', 'cmdline'])
      expect(readFileSync(`/proc/${pid}/${shown}`, 'utf8')).not.toMatch(secret)
  server.signal('SIGTERM')
  expect(await server.ended).toBe(0)
})
