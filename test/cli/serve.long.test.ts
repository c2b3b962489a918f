import { readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/create-user.ts'
import { openLocal } from '../../src/cli/local.ts'
import { cli, endServers, ioAt, serve, spawned, workplace, type Json, type Server } from './bench.ts'

const places: (() => void)[] = []
/** One server that runs all the while, for what needs no server of its own. */
let running: Server
let here: string
beforeAll(async () => {
  here = fresh()
  running = await serve(here)
})
afterEach(() => endServers(running))
afterAll(async () => {
  await endServers()
  for (const remove of places) remove()
})
function fresh(): string {
  const { directory, remove } = workplace()
  places.push(remove)
  return directory
}

/** The line that the first start prints to be copied, taken at its word. */
async function runPrintedLine(server: Server): Promise<Json> {
  const [, url = '', ...rest] = /curl -s (\S+) (.*)/.exec(server.out()) ?? []
  const form = new URLSearchParams()
  for (const [, quoted, plain] of (rest[0] ?? '').matchAll(/-d (?:'([^']*)'|(\S+))/g)) {
    const field = quoted ?? plain ?? ''
    form.append(field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1))
  }
  const answer = await fetch(url, { method: 'POST', body: form })
  return (await answer.json()) as Json
}

async function tokenOf(server: Server, scope: string): Promise<string> {
  const [, password = ''] = /password=(\S+)/.exec(server.out()) ?? []
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id: 'loopback',
    username: 'admin',
    password,
    scope,
  })
  const answer = (await (await fetch(`${server.issuer}/oauth/token`, { method: 'POST', body: form })).json()) as Json
  return String(answer['access_token'])
}

describe('the first start', () => {
  test('the printed line gives a token, and the password is shown once', async () => {
    const directory = fresh()
    const first = await serve(directory)
    expect(first.out()).toContain('Its password, shown this once:')
    expect(await runPrintedLine(first)).toMatchObject({ token_type: 'Bearer', scope: 'openid admin' })
    first.signal('SIGTERM')
    expect(await first.ended).toBe(0)
    const second = await serve(directory)
    expect(second.out()).not.toMatch(/password/)
    expect(second.out()).toContain(`answers at ${second.issuer}`)
    for (const file of ['gatehouse.db', 'gatehouse.key'])
      expect(statSync(join(directory, 'data', file)).mode & 0o077).toBe(0)
  })

  test('GATEHOUSE_ADMIN_PASSWORD is used, not told', async () => {
    const directory = fresh()
    const password = 'correct horse battery staple'
    const server = await serve(directory, [], { GATEHOUSE_ADMIN_PASSWORD: password })
    expect(server.out() + server.err()).not.toContain(password)
    expect(server.out()).not.toContain('shown this once')
    const form = new URLSearchParams({
      grant_type: 'password',
      client_id: 'loopback',
      username: 'admin',
      password,
      scope: 'admin',
    })
    expect((await fetch(`${server.issuer}/oauth/token`, { method: 'POST', body: form })).status).toBe(200)
  })

  test('a weak GATEHOUSE_ADMIN_PASSWORD refuses to start', async () => {
    const said = await spawned(fresh(), ['serve', '--port', '0', '--issuer', 'http://localhost:1'], {
      environment: { GATEHOUSE_ADMIN_PASSWORD: 'password1234' },
    })
    expect(said.code).toBe(1)
    expect(said.err).toMatch(/^gatehouse: GATEHOUSE_ADMIN_PASSWORD can't be used: the password is too easy to guess/)
    expect(said.err + said.out).not.toContain('password1234')
  })

  test('with an issuer that is not loopback the password goes to a file for its owner alone, never to the terminal', async () => {
    const directory = fresh()
    const server = await serve(directory, ['--issuer', 'https://login.example'])
    const file = join(directory, 'data', 'admin-password')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const password = readFileSync(file, 'utf8').trim()
    expect(password).toMatch(/^[a-z2-9-]{24}$/)
    expect(server.err()).toContain(`Its password is in ${file}`)
    expect(server.out() + server.err()).not.toContain(password)
  })
})

describe('what refuses to start says why in one line', () => {
  test.each([
    [['--issuer', 'http://login.example'], /^gatehouse: --issuer must be https/],
    [['--workers', '0'], /^gatehouse: --workers must be a number from 1 to 64/],
    [['--port', '99999'], /^gatehouse: --port must be a port number/],
    [['--bogus'], /^gatehouse: unknown option '--bogus'/],
  ])('%j', async (args, line) => {
    const said = await spawned(fresh(), ['serve', ...args])
    expect(said.code).toBeGreaterThan(0)
    expect(said.err).toMatch(line)
  })

  test('a port that is taken', async () => {
    const said = await spawned(fresh(), ['serve', '--port', new URL(running.issuer).port])
    expect(said.code).toBe(1)
    expect(said.err).toMatch(/is taken by another program: stop it, or choose another with --port\n$/)
  })
})

describe('administering through the REST API of the running server', () => {
  test('says the same as on the store, and both see one another at once', async () => {
    const remote = ['--server', running.issuer, '--token', await tokenOf(running, 'openid admin me'), '--json']
    const run = async (...args: string[]): Promise<Json> => {
      const said = await cli(here, args)
      expect(said.err).toBe('')
      return said.json()
    }
    const made = await run('user', 'create', 'ada', '--no-password', ...remote)
    expect(await run('user', 'show', 'ada', '--json')).toEqual(made)
    expect(await run('user', 'show', 'ada', ...remote)).toEqual(made)
    expect(await run('user', 'set-role', 'ada', 'admin', ...remote)).toMatchObject({ role: 'admin' })
    expect(await run('user', 'rename', 'ada', 'lovelace', '--json')).toMatchObject({ username: 'lovelace' })
    expect(await run('user', 'create', 'bot', '--bot', '--wrangler', 'lovelace', ...remote)).toMatchObject({
      wrangler: made['user_id'],
    })
    expect(await run('user', 'revoke-tokens', 'lovelace', ...remote)).toEqual({ epoch: expect.any(Number) as number })
    expect(await run('user', 'delete', 'bot', ...remote)).toEqual({ deleted: 'bot' })

    const client = await run(
      'client',
      'create',
      '--client-id',
      'web',
      '--redirect-uris',
      'https://a.example/cb',
      ...remote,
    )
    expect(client).toMatchObject({ client_id: 'web', client_secret: expect.stringMatching(/^gth_cs_/) as string })
    expect(await run('client', 'show', 'web', ...remote)).toEqual(await run('client', 'show', 'web', '--json'))
    expect(await run('client', 'rotate-secret', 'web', '--overlap', '60', ...remote)).toMatchObject({
      client_secret: expect.not.stringMatching(String(client['client_secret'])) as string,
    })
    expect(await run('client', 'change', 'web', '--client-name', 'Web', ...remote)).toMatchObject({
      client_name: 'Web',
    })
    expect(await run('client', 'delete', 'web', ...remote)).toEqual({ deleted: 'web' })

    const resource = await run('resource', 'create', 'https://api.example/v1?x=1', '--scope', 'read', ...remote)
    expect(await run('resource', 'show', 'https://api.example/v1?x=1', ...remote)).toEqual(resource)
    expect(await run('resource', 'list', '--json')).toEqual({ items: [resource] })
    expect(await run('resource', 'delete', 'https://api.example/v1?x=1', ...remote)).toEqual({
      deleted: 'https://api.example/v1?x=1',
    })
  })

  test('lists go on until their end', async () => {
    const remote = ['--server', running.issuer, '--token', await tokenOf(running, 'openid admin')]
    const local = await openLocal(ioAt(here), {})
    for (let index = 0; index < 101; index += 1) await createUser(local, { kind: 'cli' }, { username: `u${index}` })
    await local.close()
    const listed = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { items } = (await cli(here, ['user', 'list', '--json', ...args])).json()
      return (items as readonly Json[]).map((user) => String(user['user_id']))
    }
    const all = await listed(...remote)
    expect(all.length).toBeGreaterThan(101)
    expect(all.toSorted()).toEqual((await listed()).toSorted())
  })

  test('the server’s no is said with its reason', async () => {
    const said = await cli(here, [
      'user',
      'list',
      '--server',
      running.issuer,
      '--token',
      await tokenOf(running, 'openid me'),
    ])
    expect(said.code).toBe(1)
    expect(said.err).toMatch(
      /^gatehouse: http:\/\/localhost:\d+ answered 403: the access token needs the scope admin or admin:read/,
    )
    const stale = await cli(here, ['user', 'list', '--server', running.issuer], {
      environment: { GATEHOUSE_TOKEN: 'nonsense' },
    })
    expect(stale.err).toMatch(/answered 401: the access token is malformed, expired, revoked or for another API/)
  })
})

describe('tokens, beside the server', () => {
  test('are looked into, verified and revoked', async () => {
    const token = await tokenOf(running, 'openid admin')
    const at = (...args: string[]) => cli(here, ['token', ...args])
    expect((await at('inspect', token, '--json')).json()).toMatchObject({
      kind: 'JWT access token',
      alg: 'ES256',
      iss: running.issuer,
      client_id: 'loopback',
    })
    expect((await at('verify', token, '--json')).json()).toMatchObject({
      active: true,
      username: 'admin',
      scope: 'openid admin',
      iss: running.issuer,
    })
    expect((await at('verify', token, '--server', running.issuer, '--json')).json()).toMatchObject({
      active: true,
      username: 'admin',
    })
    expect((await cli(here, ['token', 'revoke', '-', '--json'], { stdin: `${token}\n` })).json()).toMatchObject({
      revoked: 'access_token',
    })
    expect(await at('verify', token)).toMatchObject({
      code: 1,
      out: '',
      err: "gatehouse: the token doesn't hold: The token was revoked (token_revoked)\n",
    })
    expect((await at('verify', token, '--server', running.issuer)).err).toMatch(/answered 401/)
    expect((await at('verify', `${token.slice(0, -4)}AAAA`)).err).toMatch(/\(token_signature\)\n$/)
    expect((await at('revoke', 'nonsense')).err).toBe(
      'gatehouse: nothing was revoked: this is no live token of this server\n',
    )
  })

  test('a refresh token takes all that came of it', async () => {
    const [, password = ''] = /password=(\S+)/.exec(running.out()) ?? []
    const form = new URLSearchParams({
      grant_type: 'password',
      client_id: 'loopback',
      username: 'admin',
      password,
      scope: 'openid offline_access',
    })
    const tokens = (await (await fetch(`${running.issuer}/oauth/token`, { method: 'POST', body: form })).json()) as Json
    const refresh = String(tokens['refresh_token'])
    expect((await cli(here, ['token', 'inspect', refresh, '--json'])).json()).toEqual({
      kind: 'refresh token',
      checksum: 'right',
    })
    expect((await cli(here, ['token', 'inspect', `${refresh}x`, '--json'])).json()).toEqual({
      kind: 'refresh token',
      checksum: 'wrong: it was not copied whole',
    })
    expect((await cli(here, ['token', 'revoke', refresh, '--json'])).json()).toMatchObject({ revoked: 'grant' })
    expect((await cli(here, ['token', 'verify', String(tokens['access_token'])])).err).toMatch(/\(grant_revoked\)\n$/)
  })

  test('what the command line ends is dead at the server when it exits', async () => {
    const token = await tokenOf(running, 'openid admin')
    const session = (): Promise<Response> =>
      fetch(`${running.issuer}/api/v1/me/session`, { headers: { authorization: `Bearer ${token}` } })
    expect((await session()).status).toBe(200)
    await cli(here, ['user', 'revoke-tokens', 'admin'])
    expect((await session()).status).toBe(401)
  })
})

test('keys are listed without anything secret, and rotated while the server runs', async () => {
  const { items } = (await cli(here, ['key', 'list', '--json'])).json()
  expect(items).toHaveLength(9)
  expect(JSON.stringify(items)).not.toMatch(/sealed|"d"/)
  const rotated = (await cli(here, ['key', 'rotate', 'signing-ES256', '--json'])).json()['items'] as readonly Json[]
  expect(rotated).toEqual([expect.objectContaining({ ring: 'signing-ES256', state: 'announced' })])
  // A server looks when it is asked something; long before the key is used, it has seen it.
  await expect
    .poll(
      async () => {
        await tokenOf(running, 'openid')
        return (await fetch(`${running.issuer}/.well-known/jwks.json`)).text()
      },
      { timeout: 10_000 },
    )
    .toContain(String(rotated[0]?.['key_id']))
  expect((await cli(here, ['key', 'rotate', 'nonsense'])).code).toBe(2)
})

describe('SIGHUP', () => {
  const yaml = (ids: readonly string[]): string =>
    `clients:\n${ids.map((id) => `  - { client_id: ${id}, token_endpoint_auth_method: none, redirect_uris: ["https://a.example/cb"] }\n`).join('')}`
  const clientsOf = async (directory: string): Promise<readonly string[]> => {
    const { items } = (await cli(directory, ['client', 'list', '--json'])).json()
    return (items as readonly Json[])
      .filter((client) => client['disabled'] !== true)
      .map((client) => String(client['client_id']))
  }

  test('applies a new file, and leaves everything as it was for a bad one, saying why', async () => {
    const directory = fresh()
    const file = join(directory, 'site.yaml')
    writeFileSync(file, yaml(['one', 'two']))
    const server = await serve(directory, ['--config', 'site.yaml'])
    expect(await clientsOf(directory)).toEqual(['loopback', 'one', 'two'])

    const registers = async () => (await fetch(`${server.issuer}/register`)).status
    expect(await registers()).toBe(403)
    writeFileSync(file, `${yaml(['two', 'three'])}users: { registration: open }\n`)
    server.signal('SIGHUP')
    await server.says(/config\.reloaded/)
    expect(await clientsOf(directory)).toEqual(['loopback', 'three', 'two'])
    expect(await registers()).toBe(200)

    writeFileSync(file, `${yaml(['four'])}users: { registration: closed }\nisuer: x\n`)
    server.signal('SIGHUP')
    await server.says(/config\.refused/)
    expect(server.out()).toContain('isuer is an unknown key; did you mean issuer?')
    expect(await clientsOf(directory)).toEqual(['loopback', 'three', 'two'])
    expect(await registers()).toBe(200)

    writeFileSync(file, `${yaml(['four'])}issuer: https://other.example\nlisten: { host: 127.0.0.2 }\n`)
    server.signal('SIGHUP')
    await server.says(/listen can't change while the server runs/)
    expect(await clientsOf(directory)).toEqual(['loopback', 'three', 'two'])
    expect((await cli(directory, ['client', 'delete', 'two'])).err).toBe(
      'gatehouse: the client stands in the configuration file; change it there and send SIGHUP\n',
    )
  })

  test('a client id in both places refuses to start', async () => {
    const directory = fresh()
    await cli(directory, ['store', 'migrate'])
    await cli(directory, ['client', 'create', '--client-id', 'web', '--redirect-uris', 'https://a.example/cb'])
    writeFileSync(join(directory, 'gatehouse.yaml'), yaml(['web']))
    const said = await spawned(directory, ['serve'])
    expect(said).toMatchObject({
      code: 1,
      err: 'gatehouse: client web was made by an administrator already; delete it or choose another client_id\n',
    })
  })
})

describe('gatehouse doctor', () => {
  test('finds nothing where nothing is wrong, and each thing that is', async () => {
    const directory = fresh()
    const statuses = async (...args: string[]): Promise<{ readonly code: number; readonly bad: readonly string[] }> => {
      const said = await cli(directory, ['doctor', '--json', ...args])
      const { checks } = said.json() as { readonly checks: readonly Json[] }
      return {
        code: said.code,
        bad: checks
          .filter((check) => check['status'] !== 'ok')
          .map((check) => `${String(check['status'])} ${String(check['check'])}: ${String(check['detail'])}`),
      }
    }
    expect(await statuses()).toEqual({
      code: 0,
      bad: [`warn store: ${directory}/data/gatehouse.db is not there yet; the first start makes it`],
    })
    const server = await serve(directory)
    server.signal('SIGTERM')
    await server.ended
    expect(await statuses()).toEqual({ code: 0, bad: [] })

    expect((await statuses('--host', '0.0.0.0')).bad[0]).toMatch(
      /^warn issuer: http:\/\/localhost:8080 is plain http, but the server listens on 0\.0\.0\.0/,
    )
    expect((await statuses('--workers', '64')).bad[0]).toMatch(/^warn workers: 64 on \d+ cores/)
    expect((await statuses('--issuer', 'https://login.example')).bad).toEqual([
      "warn proxies: the proxy on this machine that speaks https is not in trusted_proxies: limits and audit see its address, not the client's",
      'warn loopback: the client loopback never works with this issuer; delete it: gatehouse client delete loopback',
    ])

    await cli(directory, [
      'client',
      'create',
      '--client-id',
      'old',
      '--legacy',
      'implicit',
      '--redirect-uris',
      'https://a.example/cb',
    ])
    expect((await statuses()).bad).toEqual(['warn legacy: client old has the legacy switch implicit'])
    await cli(directory, ['client', 'delete', 'old'])

    await cli(directory, ['user', 'lock', 'admin'])
    expect((await statuses()).bad).toEqual([
      'warn people: nobody can sign in as superuser; make one: gatehouse user create NAME --role superuser',
    ])
    await cli(directory, ['user', 'unlock', 'admin'])

    writeFileSync(
      join(directory, 'gatehouse.yaml'),
      'clients: [{ client_id: new, token_endpoint_auth_method: none, redirect_uris: ["https://a.example/cb"] }]',
    )
    expect((await statuses()).bad).toEqual([
      'warn clients: client new is not yet as the file says; start the server or send SIGHUP',
    ])
    rmSync(join(directory, 'gatehouse.yaml'))

    const key = join(directory, 'data', 'gatehouse.key')
    chmodSync(key, 0o644)
    const open = await statuses()
    expect(open.code).toBe(1)
    expect(open.bad[0]).toBe(`fail key file: ${key} has mode 0644; run chmod 600 ${key}`)
    chmodSync(key, 0o600)
    rmSync(key)
    const gone = await statuses()
    expect(gone).toEqual({
      code: 1,
      bad: [`fail key file: ${key} is missing: no key of this store opens without it; bring it back from a backup`],
    })
  })

  test('a faulty configuration is a failed check for each fault', async () => {
    const directory = fresh()
    writeFileSync(join(directory, 'gatehouse.yaml'), 'isuer: x\n')
    const said = await cli(directory, ['doctor'])
    expect(said).toMatchObject({
      code: 1,
      out: `fail  config     ${directory}/gatehouse.yaml:1:1: isuer is an unknown key; did you mean issuer?\n`,
      err: 'gatehouse: 1 of 1 checks failed; each line says how to fix it\n',
    })
  })
})

describe('FLT-34: one server to a file', () => {
  test('a second one is refused in one line, commands are not, and a killed one leaves its place', async () => {
    const directory = fresh()
    const first = await serve(directory)
    const second = await spawned(directory, ['serve'])
    expect(second.code).toBe(1)
    expect(second.err).toMatch(/^gatehouse: the store .* is served by another process already: stop that one first/)
    expect((await cli(directory, ['user', 'list'])).code).toBe(0)
    expect((await cli(directory, ['store', 'verify'])).code).toBe(0)
    expect((await fetch(`${first.issuer}/readyz`)).status).toBe(200)
    first.signal('SIGKILL')
    await first.ended
    const third = await serve(directory)
    expect((await fetch(`${third.issuer}/readyz`)).status).toBe(200)
  })
})
