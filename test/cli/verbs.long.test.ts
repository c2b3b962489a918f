import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLocal, settled } from '../../src/cli/local.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { cli, ioAt, spawned, workplace, type Json } from './bench.ts'

const { directory, remove } = workplace()
const password = 'correct horse battery staple'
const at = (...args: string[]) => cli(directory, args)
const json = async (...args: string[]): Promise<Json> => {
  const said = await at(...args, '--json')
  expect(said.err).toBe('')
  expect(said.code).toBe(0)
  return said.json()
}

beforeAll(async () => {
  expect((await at('store', 'migrate')).code).toBe(0)
})
afterAll(remove)

describe('gatehouse user', () => {
  test('makes, shows, changes and deletes an account', async () => {
    const said = await cli(
      directory,
      ['user', 'create', 'ada', '--full-name', 'Ada', '--email', 'ada@example.org', '--password-stdin', '--json'],
      { stdin: `${password}\n` },
    )
    expect(said).toMatchObject({ code: 0, err: '' })
    const made = said.json()
    expect(made).toMatchObject({
      username: 'ada',
      full_name: 'Ada',
      email: 'ada@example.org',
      role: 'editor',
      bot: false,
      locked: false,
      epoch: 1,
    })
    expect(JSON.stringify(made)).not.toContain('argon2')
    const id = String(made['user_id'])

    expect(await json('user', 'show', 'ADA')).toEqual(made)
    expect(await json('user', 'show', id)).toEqual(made)
    expect(await json('user', 'set-role', 'ada', 'admin')).toMatchObject({ role: 'admin' })
    expect(await json('user', 'set-scopes', 'ada', 'accounts:provision', 'other')).toMatchObject({
      scopes: ['accounts:provision', 'other'],
    })
    expect(await json('user', 'set-scopes', 'ada')).toMatchObject({ scopes: [] })
    expect(await json('user', 'rename', 'ada', 'lovelace')).toMatchObject({ user_id: id, username: 'lovelace' })
    expect(await json('user', 'lock', 'lovelace')).toMatchObject({ locked: true })
    expect(await json('user', 'unlock', 'lovelace')).toMatchObject({ locked: false })
    const { epoch } = await json('user', 'revoke-tokens', 'lovelace')
    expect(epoch).toBeGreaterThan(Number(made['epoch']))
    expect(await json('user', 'revoke-tokens', '--everyone')).toEqual({ epoch: expect.any(Number) as number })
    expect(await json('user', 'list')).toMatchObject({ items: [{ user_id: id }] })
    expect(await json('user', 'delete', 'lovelace')).toEqual({ deleted: 'lovelace' })
    expect(await json('user', 'list')).toEqual({ items: [] })
  })

  test('a bot names its wrangler', async () => {
    await json('user', 'create', 'grace', '--no-password')
    expect(await json('user', 'create', 'importer', '--bot', '--wrangler', 'grace')).toMatchObject({
      bot: true,
      wrangler: (await json('user', 'show', 'grace'))['user_id'],
    })
  })

  test('a bot is shown as it stands under its wrangler, and gets another one', async () => {
    await json('user', 'create', 'hopper', '--no-password', '--role', 'admin')
    await json('user', 'create', 'heir', '--no-password')
    await json('user', 'create', 'crawler', '--bot', '--wrangler', 'hopper')
    await json('user', 'lock', 'hopper')
    expect(await json('user', 'show', 'crawler')).toMatchObject({ locked: true })
    const { items } = await json('user', 'list')
    expect(items).toContainEqual(expect.objectContaining({ username: 'crawler', locked: true }))
    const minted = await at('token', 'mint', '--user', 'crawler', '--format', 'opaque')
    expect(minted).toMatchObject({ code: 1, out: '' })
    expect(minted.err).toContain('the person who answers for the bot is locked or gone')
    expect(await json('user', 'set-wrangler', 'crawler', 'heir')).toMatchObject({
      locked: false,
      wrangler: (await json('user', 'show', 'heir'))['user_id'],
    })
    expect((await at('token', 'mint', '--user', 'crawler', '--format', 'opaque')).code).toBe(0)
    for (const name of ['hopper', 'heir', 'crawler']) await json('user', 'delete', name)
  })

  test('a generated password is shown once, and is the one that counts', async () => {
    await json('user', 'create', 'mary', '--no-password')
    const { password: generated } = await json('user', 'set-password', 'mary', '--generate')
    expect(generated).toMatch(/^[a-z2-9-]{24}$/)
    expect(JSON.stringify(await json('user', 'show', 'mary'))).not.toContain(String(generated))
  })

  test('people get columns, and nothing that a name holds moves their cursor', async () => {
    await json('user', 'create', 'eve', '--no-password', '--full-name', 'Eve \u202e evE')
    const { out } = await at('user', 'list')
    expect(out.split('\n')[0]).toMatch(/^user_id +username +role +kind +locked +full_name +email$/)
    expect(out).toContain('Eve \ufffd evE')
  })
})

describe('gatehouse client', () => {
  test('makes, shows, changes and deletes a client; its secret is shown once', async () => {
    const made = await json(
      'client',
      'create',
      '--client-id',
      'web',
      '--redirect-uris',
      'https://a.example/cb',
      'https://a.example/cb2',
      '--scope',
      'openid read',
      '--grant-types',
      'authorization_code',
      'refresh_token',
    )
    expect(made).toMatchObject({
      client_id: 'web',
      redirect_uris: ['https://a.example/cb', 'https://a.example/cb2'],
      scope: 'openid read',
      client_secret: expect.stringMatching(/^gth_cs_/) as string,
      client_secret_expires_at: 0,
    })
    const { client_secret: _first, client_secret_expires_at: _never, ...rest } = made
    expect(await json('client', 'show', 'web')).toEqual(rest)
    expect(await json('client', 'change', 'web', '--client-name', 'Web')).toMatchObject({
      client_name: 'Web',
      scope: 'openid read',
    })
    const rotated = await json('client', 'rotate-secret', 'web', '--overlap', '60')
    expect(rotated['client_secret']).not.toBe(made['client_secret'])
    const listed = async () =>
      ((await json('client', 'list'))['items'] as { client_id: string }[]).map((one) => one.client_id)
    expect(await listed()).toContain('web')
    const off = await json('client', 'disable', 'web')
    expect(off).toMatchObject({ disabled: true })
    expect(off['epoch']).toBeGreaterThan(Number(made['epoch']))
    expect(await json('client', 'enable', 'web')).toMatchObject({ disabled: false, epoch: off['epoch'] })
    expect(await json('client', 'delete', 'web')).toEqual({ deleted: 'web' })
    expect(await listed()).not.toContain('web')
    expect((await at('client', 'create', '--client-id', 'web', '--redirect-uris', 'https://a.example/cb')).err).toBe(
      'gatehouse: client_id belonged to a client that was deleted, and is never used again; choose another\n',
    )
  })

  test('from a document, below the flags', async () => {
    writeFileSync(
      join(directory, 'client.json'),
      JSON.stringify({
        client_id: 'doc',
        client_name: 'A',
        redirect_uris: ['https://a.example/cb'],
        token_endpoint_auth_method: 'none',
      }),
    )
    expect(await json('client', 'create', '--file', 'client.json', '--client-name', 'B')).toMatchObject({
      client_id: 'doc',
      client_name: 'B',
      token_endpoint_auth_method: 'none',
    })
    const said = await cli(directory, ['client', 'create', '--file', '-', '--json'], {
      stdin: '{"client_id":"doc2","redirect_uris":["https://a.example/cb"]}',
    })
    expect(said.json()).toMatchObject({ client_id: 'doc2' })
  })
})

test('gatehouse resource makes, shows, lists and forgets an API', async () => {
  const made = await json(
    'resource',
    'create',
    'https://api.example',
    '--name',
    'API',
    '--scope',
    'read write',
    '--held-scopes',
    'write',
    '--format',
    'opaque',
    '--ttl',
    '300',
    '--introspection-clients',
    'web',
  )
  expect(made).toMatchObject({
    resource: 'https://api.example',
    resource_name: 'API',
    scope: 'read write',
    held_scopes: ['write'],
    access_token: { format: 'opaque', ttl: 300 },
    introspection_clients: ['web'],
  })
  expect(await json('resource', 'show', 'https://api.example')).toEqual(made)
  expect(await json('resource', 'list')).toEqual({ items: [made] })
  expect(await json('resource', 'delete', 'https://api.example')).toEqual({ deleted: 'https://api.example' })
})

test('gatehouse store and events', async () => {
  expect(await json('store', 'verify')).toEqual({ sound: true })
  expect(await json('store', 'sweep')).toEqual({ deleted: 0 })
  const { items } = await json('events', 'list', '--type', 'client.deleted')
  expect(items).toEqual([expect.objectContaining({ type: 'client.deleted', client_id: 'web', actor: 'cli' })])
  expect((await json('events', 'list', '--limit', '3'))['items']).toHaveLength(3)
})

test('without a terminal to ask at, user create makes an account without a password and says so', async () => {
  const said = await at('user', 'create', 'quiet', '--json')
  expect(said).toMatchObject({
    code: 0,
    err: 'no password: nobody signs in as it until gatehouse user set-password quiet\n',
  })
  expect(said.json()).toMatchObject({ username: 'quiet' })
})

test('with --json a refusal is one document on standard output, too', async () => {
  const said = await at('user', 'show', 'nobody', '--json')
  expect(said.code).toBe(1)
  expect(said.err).toBe(`gatehouse: ${String(said.json()['error'])}\n`)
})

test('gatehouse resource create --resource, by the name in the configuration file', async () => {
  expect(await json('resource', 'create', '--resource', 'https://named.example')).toMatchObject({
    resource: 'https://named.example',
  })
})

test('gatehouse key rotate signing: one name for the rings that sign', async () => {
  const { items } = await json('key', 'rotate', 'signing')
  expect((items as { ring: string }[]).map(({ ring }) => ring)).toEqual([
    'signing-ES256',
    'signing-RS256',
    'signing-EdDSA',
  ])
})

test('gatehouse store fence ends what was issued before', async () => {
  expect(await json('store', 'fence')).toMatchObject({ fenced: true })
  expect((await at('events', 'list')).out).toContain('instance.fenced')
})

test('a clock that stands before what the store has seen neither sweeps nor passes the doctor', async () => {
  const io = ioAt(directory)
  const local = await openLocal(io, {})
  const self = ref('instance', 'self')
  const raise = (seconds: number): Promise<void> =>
    transition(local.transition, { self }, ({ self: slot }, now) => ({
      writes:
        slot.value === undefined ? [] : [put(slot, { ...slot.value, highWaterAt: now + seconds }, { expiresAt: null })],
      result: undefined,
    }))
  await raise(3600)
  expect((await at('store', 'sweep')).err).toMatch(
    /^gatehouse: the clock stands \d+ seconds before what this store has seen; set it right first\n$/,
  )
  const { out, code } = await at('doctor')
  expect(code).toBe(1)
  expect(out).toMatch(/^fail +clock +stands \d+ seconds before what this store has seen/m)
  // FLT-18: what is written is written in the time of the store, not in that of the clock.
  const seen = Math.floor(Date.now() / 1000) + 3500
  expect(Number((await json('user', 'create', 'late', '--no-password'))['created_at'])).toBeGreaterThan(seen)
  const written = (await json('events', 'list', '--limit', '1'))['items'] as readonly { readonly at: number }[]
  expect(written[0]?.at).toBeGreaterThan(seen)
  // Further than time may go on by itself, nothing is written, and all can be read.
  await raise(2 * 86_400)
  expect((await at('user', 'lock', 'late')).err).toMatch(
    /^gatehouse: the clock stands \d+ seconds before .*; set it right/,
  )
  expect(await json('user', 'show', 'late')).toMatchObject({ locked: false })
  await raise(0)
  expect((await at('user', 'delete', 'late')).code).toBe(0)
  expect((await at('store', 'sweep')).code).toBe(0)
  await local.close()
})

describe('one line that says what, why and the mend; 1 refused, 2 wrong usage', () => {
  const lines: readonly [args: readonly string[], code: number, line: string | RegExp][] = [
    [['user', 'show', 'nobody'], 1, 'there is no account nobody; see gatehouse user list'],
    [['user', 'show', 'usr_nobody'], 1, 'there is no account usr_nobody; see gatehouse user list'],
    [
      ['user', 'create', 'grace', '--no-password'],
      1,
      'the user name, or one that is the same when normalised, is taken',
    ],
    [
      ['user', 'create', 'x', '--no-password', '--role', 'Superuser'],
      2,
      'the role must be one of editor, admin, superuser',
    ],
    [['user', 'set-password', 'admin'], 2, 'there is no terminal to ask for a password; give it by --password-stdin'],
    [['resource', 'create'], 2, 'say the URI of the API'],
    [['user', 'create', 'x', '--bot'], 1, 'a bot needs a wrangler: the person who answers for it'],
    [
      ['user', 'create', 'x', '--bot', '--wrangler', 'nobody'],
      1,
      'there is no account nobody; see gatehouse user list',
    ],
    [['user', 'revoke-tokens'], 2, 'say either NAME or --everyone'],
    [['user', 'revoke-tokens', 'grace', '--everyone'], 2, 'say either NAME or --everyone'],
    [['user', 'list', 'surplus'], 2, /^too many arguments/],
    [['user', 'list', '--lmit', '3'], 2, "unknown option '--lmit'"],
    [['user', 'dance'], 2, "unknown command 'dance'"],
    [['usr', 'list'], 2, /^unknown command 'usr'/],
    [['user', 'set-role', 'grace'], 2, "missing required argument 'role'"],
    [['client', 'show', 'nobody'], 1, 'there is no client nobody; see gatehouse client list'],
    [
      ['client', 'create', '--redirect-uris', 'http://evil.example/cb'],
      1,
      /^redirect_uris\[0\] must be https; plain http/,
    ],
    [['client', 'create', '--file', 'nowhere.json'], 1, "--file nowhere.json can't be read; check the path"],
    [['client', 'rotate-secret', 'doc'], 1, 'a client with none has no secret'],
    [['client', 'rotate-secret', 'doc2', '--overlap', '1e9'], 2, '--overlap must be a number of seconds'],
    [
      ['client', 'rotate-secret', 'doc2', '--overlap', '9999999'],
      1,
      'the old secret may live on for 0 to 604800 seconds',
    ],
    [
      ['resource', 'show', 'https://none.example'],
      1,
      'there is no resource https://none.example; see gatehouse resource list',
    ],
    [['resource', 'create', 'api'], 1, 'resource must be an absolute URI without fragment, its scheme in lower case'],
    [['resource', 'create', 'https://a.example', '--ttl', '-5'], 2, '--ttl must be a number of seconds'],
    [['events', 'list', '--limit', '0'], 2, '--limit must be a number from 1 to 999999'],
    [
      ['user', 'list', '--store', 'memory:'],
      1,
      'the store memory: lives inside its server; use --server URL --token TOKEN',
    ],
    [['user', 'list', '--store', 'nosuch:x'], 1, /^--store is no store address; write sqlite:PATH, .* or memory:$/],
    [['user', 'list', '--token', 'x'], 2, '--token is for --server; add --server URL'],
    [['user', 'list', '--server', 'https://a.example'], 2, '--server needs --token TOKEN (or GATEHOUSE_TOKEN)'],
    [
      ['user', 'list', '--server', 'http://a.example', '--token', 'x'],
      2,
      '--server must be an https URL, or http on this machine: the token would be readable on the way',
    ],
    [
      ['user', 'list', '--server', 'http://127.0.0.1:1', '--token', 'x'],
      1,
      "http://127.0.0.1:1 doesn't answer; check that the server runs and that the URL is its own",
    ],
    [['token', 'inspect', 'nonsense'], 1, 'this is neither a JWT, a macaroon nor a token of ours; copy it whole'],
    [
      ['key', 'list', '--data', 'elsewhere'],
      1,
      new RegExp(`^there is no store at ${directory}/elsewhere/gatehouse.db; check`),
    ],
  ]
  test.each(lines)('%j', async (args, code, line) => {
    const said = await cli(directory, args)
    expect(said.out).toBe('')
    expect(said.code).toBe(code)
    const [first = '', ...rest] = said.err.split('\n')
    if (typeof line === 'string') expect(first).toBe(`gatehouse: ${line}`)
    else expect(first.replace('gatehouse: ', '')).toMatch(line)
    expect(rest.filter((each) => each !== '').length).toBeLessThanOrEqual(1)
  })

  test('a command on a store that is not there makes none', async () => {
    await cli(directory, ['user', 'list', '--data', 'typo'])
    expect(existsSync(join(directory, 'typo'))).toBe(false)
  })

  test('a weak password is refused without being repeated', async () => {
    const said = await cli(directory, ['user', 'create', 'weak', '--password-stdin'], { stdin: 'password1234' })
    expect(said).toMatchObject({ code: 1, out: '' })
    expect(said.err).toMatch(/^gatehouse: the password is too easy to guess/)
    expect(said.err).not.toContain('password1234')
  })

  test('a faulty configuration has a line for each fault', async () => {
    writeFileSync(join(directory, 'bad.yaml'), 'isuer: x\nlog: { level: loud }\n')
    const said = await cli(directory, ['user', 'list', '--config', 'bad.yaml'])
    expect(said.code).toBe(1)
    expect(said.err.trimEnd().split('\n')).toEqual([
      `gatehouse: ${directory}/bad.yaml:2:8: log.level must be one of error, warn, info, debug`,
      `gatehouse: ${directory}/bad.yaml:1:1: isuer is an unknown key; did you mean issuer?`,
    ])
  })

  test('help that is asked for is no mistake; a noun without its verb is', async () => {
    const asked = await at('user', '--help')
    expect(asked).toMatchObject({ code: 0, err: '' })
    expect(asked.out).toContain('revoke-tokens')
    const forgot = await at('user')
    expect(forgot).toMatchObject({ code: 2, out: '' })
    expect(forgot.err).toContain('revoke-tokens')
    expect(await at('--version')).toMatchObject({ code: 0, out: '0.1.0\n' })
  })
})

test('the launcher does the same as a process of its own', async () => {
  expect((await spawned(directory, ['user', 'show', 'grace', '--json'])).json()).toMatchObject({ username: 'grace' })
  expect(await spawned(directory, ['user', 'show', 'nobody'])).toMatchObject({
    code: 1,
    out: '',
    err: 'gatehouse: there is no account nobody; see gatehouse user list\n',
  })
  expect((await spawned(directory, ['user', 'dance'])).code).toBe(2)
  const piped = await spawned(directory, ['user', 'set-password', 'grace', '--password-stdin', '--json'], {
    stdin: password,
  })
  expect(piped.json()).toMatchObject({ username: 'grace' })
})

test('where servers look only now and then, a change waits for the longest lease', async () => {
  const waits: number[] = []
  const wait = (millis: number): Promise<void> => Promise.resolve(void waits.push(millis))
  await settled('exact', wait)
  expect(waits).toEqual([])
  await settled('polled', wait)
  expect(waits).toEqual([5_000])
})
