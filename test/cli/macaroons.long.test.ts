import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  addCaveats,
  mintMacaroon,
  parseMacaroon,
  printBinaryV2,
  printInstant,
  rootKeyOf,
} from '../../src/tokens/macaroon/index.ts'
import { cli, endServers, serve, workplace, type Json, type Server } from './bench.ts'

const { directory, remove } = workplace()
const at = (args: readonly string[], stdin?: string) => cli(directory, args, stdin === undefined ? {} : { stdin })
let server: Server

beforeAll(async () => {
  server = await serve(directory)
  await at(['user', 'create', 'ada', '--no-password'])
  await at(['resource', 'create', 'https://api.example', '--scope', 'read write', '--format', 'macaroon'])
})
afterAll(async () => {
  await endServers()
  remove()
})

async function json(...args: string[]): Promise<Json> {
  const said = await at([...args, '--json'])
  expect(said.err).toBe('')
  return said.json()
}
const session = async (token: string): Promise<number> =>
  (await fetch(`${server.issuer}/api/v1/me/session`, { headers: { authorization: `Bearer ${token}` } })).status

describe('gatehouse token mint', () => {
  test('makes a token that the running server takes, beside it', async () => {
    for (const format of ['jwt', 'opaque', 'macaroon']) {
      const made = await json('token', 'mint', '--user', 'ada', '--format', format, '--issuer', server.issuer)
      expect(made).toMatchObject({ token_type: 'Bearer', scope: 'openid me' })
      expect(await session(String(made['token'])), format).toBe(200)
    }
  })

  test('needs no word on the issuer: the store knows under which one it is served', async () => {
    for (const format of ['jwt', 'opaque', 'macaroon']) {
      const { token } = await json('token', 'mint', '--user', 'ada', '--format', format)
      expect(await session(String(token)), format).toBe(200)
    }
  })

  test('prints a line for an environment file', async () => {
    const said = await at(['token', 'mint', '--user', 'ada', '--format', 'macaroon', '--ttl', '60', '--env-format'])
    expect(said.out).toMatch(/^GATEHOUSE_TOKEN="gth_mc_[0-9a-f]{8}_[\w-]+"\n$/)
  })

  test('through the REST API', async () => {
    const password = /-d password=(\S+)/.exec(server.out())?.[1] ?? ''
    const signedIn = await fetch(`${server.issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'loopback',
        username: 'admin',
        password,
        scope: 'admin',
      }),
    })
    const admin = (await signedIn.json()) as { access_token: string }
    const made = await json(
      'token',
      'mint',
      '--user',
      'ada',
      '--format',
      'macaroon',
      '--caveat',
      'method = GET',
      '--caveat',
      'ip = ::1 127.0.0.1',
      '--server',
      server.issuer,
      '--token',
      admin.access_token,
    )
    const token = String(made['token'])
    expect(await session(token)).toBe(200)
    const remote = ['--server', server.issuer, '--token', admin.access_token]
    expect(await json('token', 'revoke', token, ...remote)).toMatchObject({ revoked: 'access_token' })
    expect(await session(token)).toBe(401)
    expect(await at(['token', 'revoke', 'nonsense', ...remote])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no live token of this server') as string,
    })
  })

  test('refuses in one line', async () => {
    expect(await at(['token', 'mint', '--user', 'nobody'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no account') as string,
    })
    expect(await at(['token', 'mint', '--user', 'ada', '--format', 'x'])).toMatchObject({ code: 2 })
    expect(await at(['token', 'mint', '--user', 'ada', '--ttl', '1d'])).toMatchObject({ code: 2 })
    const refused = await at(['token', 'mint', '--user', 'ada', '--format', 'macaroon', '--caveat', 'colour = blue'])
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('caveat') as string })
    expect(await at(['token', 'mint'])).toMatchObject({ code: 2 })
  })
})

describe('gatehouse token list and disable', () => {
  test.each(['the store', 'the server'])('show what an account has and end one, on %s', async (where) => {
    const boss = await json('token', 'mint', '--user', 'admin', '--scope', 'admin', '--issuer', server.issuer)
    const remote = where === 'the store' ? [] : ['--server', server.issuer, '--token', String(boss['token'])]
    const made = await json(
      'token',
      'mint',
      '--user',
      'ada',
      '--format',
      'opaque',
      '--name',
      `on ${where}`,
      '--issuer',
      server.issuer,
    )
    const token = String(made['token'])
    const names = async () =>
      ((await json('token', 'list', 'ada', ...remote))['items'] as { name: string | null }[]).map(({ name }) => name)
    expect(await names()).toContain(`on ${where}`)
    expect(await session(token)).toBe(200)
    expect(await json('token', 'disable', 'ada', String(made['grant_id']), ...remote)).toEqual({
      disabled: made['grant_id'],
    })
    expect(await session(token)).toBe(401)
    expect(await names()).not.toContain(`on ${where}`)
    expect(await at(['token', 'disable', 'ada', String(made['grant_id']), ...remote])).toMatchObject({ code: 1 })
  })
})

test('events and keys are the same documents on the server and on the store', async () => {
  const boss = await json('token', 'mint', '--user', 'admin', '--scope', 'admin', '--issuer', server.issuer)
  const remote = ['--server', server.issuer, '--token', String(boss['token'])]
  const created = ['events', 'list', '--type', 'user.created', '--limit', '100']
  const { items } = await json(...created)
  expect(items).toContainEqual(expect.objectContaining({ type: 'user.created', actor: 'cli' }))
  expect(await json(...created, ...remote)).toEqual({ items })
  const byId = (document: Record<string, unknown>) =>
    (document['items'] as { key_id: string }[]).toSorted((a, b) => (a.key_id < b.key_id ? -1 : 1))
  expect(byId(await json('key', 'list', ...remote))).toEqual(byId(await json('key', 'list')))
})

describe('gatehouse token attenuate and inspect', () => {
  test('narrow offline: what comes out is what the server takes for less', async () => {
    const made = await json('token', 'mint', '--user', 'ada', '--format', 'macaroon', '--issuer', server.issuer)
    const token = String(made['token'])
    const less = await at(['token', 'attenuate', token, '--caveat', 'method = GET', '--caveat', 'scope = openid'])
    expect(less.out).toMatch(/^gth_mc_/)
    expect(await session(less.out.trim())).toBe(200)
    const other = await at(['token', 'attenuate', '-', '--caveat', 'method = POST'], `${token}\n`)
    expect(await session(other.out.trim())).toBe(401)
    const bare = await at(['token', 'attenuate', token.slice(16), '--caveat', 'method = GET'])
    expect(bare.out).not.toMatch(/^gth_/)
    expect(await session(bare.out.trim())).toBe(200)
  })

  test('say what a macaroon says, whoever made it', async () => {
    const seen = await json(
      'token',
      'inspect',
      String((await json('token', 'mint', '--user', 'ada', '--format', 'macaroon'))['token']),
    )
    expect(seen).toMatchObject({ kind: 'macaroon', checksum: 'right' })
    expect(seen['caveats']).toContain('type = access')
    const foreign = addCaveats(
      mintMacaroon({ rootKey: rootKeyOf('k'), identifier: '20190110-qa', location: 'dev.fatcat.wiki' }),
      ['editor_id = aaaaaaaaaaaabkvkaaaaaaaaae'],
    )
    for (const alphabet of ['base64', 'base64url'] as const)
      expect(await json('token', 'inspect', printBinaryV2(foreign).toString(alphabet))).toMatchObject({
        identifier: '20190110-qa',
        location: 'dev.fatcat.wiki',
        caveats: ['editor_id = aaaaaaaaaaaabkvkaaaaaaaaae'],
      })
  })

  test('refuse what is no macaroon, what nobody would understand, and what has its discharges', async () => {
    const { token } = await json('token', 'mint', '--user', 'ada', '--format', 'macaroon')
    expect(await at(['token', 'attenuate', 'x.y.z', '--caveat', 'method = GET'])).toMatchObject({ code: 1 })
    expect(await at(['token', 'attenuate', String(token), '--caveat', 'method=GET'])).toMatchObject({ code: 1 })
    const [root, rest] = [String(token).slice(16), String(token).slice(16)]
    expect(parseMacaroon(root)).toBeDefined()
    const twice = Buffer.concat([Buffer.from(root, 'base64url'), Buffer.from(rest, 'base64url')]).toString('base64url')
    const said = await at(['token', 'attenuate', twice, '--caveat', 'method = GET'])
    expect(said).toMatchObject({ code: 1, err: expect.stringContaining('narrow it first') as string })
  })

  test('token verify and revoke know macaroons', async () => {
    const { token } = await json('token', 'mint', '--user', 'ada', '--format', 'macaroon', '--issuer', server.issuer)
    expect(await json('token', 'verify', String(token))).toMatchObject({ active: true, username: 'ada' })
    const child = (await at(['token', 'attenuate', String(token), '--caveat', 'method = GET'])).out.trim()
    expect(await json('token', 'revoke', child)).toMatchObject({ revoked: 'access_token' })
    expect(await session(String(token))).toBe(401)
  })
})

describe('gatehouse key', () => {
  test('create: a secret for GATEHOUSE_SECRET', async () => {
    const said = await at(['key', 'create', '--env-format'])
    expect(said.out).toMatch(/^GATEHOUSE_SECRET="[\w-]{64}"\n$/)
    expect((await at(['key', 'create'])).out).not.toBe((await at(['key', 'create'])).out)
  })

  test('import: from a line of an environment file; user import: with ids and epochs', async () => {
    const rows = [
      {
        user_id: 'usr_aaaaaaaaaaaabkvkaaaaaaaaaq',
        username: 'robot',
        bot: true,
        wrangler: 'usr_aaaaaaaaaaaabkvkaaaaaaaaae',
      },
      { user_id: 'usr_aaaaaaaaaaaabkvkaaaaaaaaae', username: 'claire', role: 'admin', epoch: 1_700_000_000_000 },
    ]
    writeFileSync(join(directory, 'accounts.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
    expect(await json('user', 'import', 'accounts.jsonl')).toEqual({ imported: 2, there: 0 })
    expect(await json('user', 'import', 'accounts.jsonl')).toEqual({ imported: 0, there: 2 })
    expect(await json('user', 'show', 'claire')).toMatchObject({
      user_id: 'usr_aaaaaaaaaaaabkvkaaaaaaaaae',
      role: 'admin',
      epoch: 1_700_000_000_000,
    })

    const seed = Buffer.alloc(32, 7)
    const end = printInstant(Math.floor(Date.now() / 1000) + 86_400)
    const flags = ['--resource', 'https://api.example', '--scope', 'read', '--not-after', end, '--json']
    const said = await at(['key', 'import', '20190110-qa', ...flags], `AUTH_SECRET_KEY="${seed.toString('base64')}"\n`)
    expect(said.err).toBe('')
    expect(said.json()).toMatchObject({ key_id: 'import:20190110-qa', state: 'retired' })
    expect(said.out).not.toContain(seed.toString('base64'))
    const verify = async (created: string) =>
      at([
        'token',
        'verify',
        printBinaryV2(
          addCaveats(mintMacaroon({ rootKey: rootKeyOf(seed), identifier: '20190110-qa' }), [
            'editor_id = aaaaaaaaaaaabkvkaaaaaaaaae',
            `time > ${created}`,
          ]),
        ).toString('base64'),
        '--json',
      ])
    expect((await verify('2024-01-01T00:00:00Z')).json()).toMatchObject({
      active: true,
      username: 'claire',
      scope: 'read',
    })
    // Its epoch came along: what fatcat had revoked stays revoked.
    expect((await verify('2023-01-01T00:00:00Z')).code).toBe(1)

    expect(await at(['key', 'import', 'short', ...flags], 'AAAA')).toMatchObject({
      code: 1,
      err: expect.stringContaining('32 bytes') as string,
    })
    expect(await at(['key', 'import', 'again', ...flags.with(5, 'tomorrow')], seed.toString('base64'))).toMatchObject({
      code: 2,
    })
    const admin = await at(['key', 'import', 'adm', ...flags.with(3, 'admin')], seed.toString('base64'))
    expect(admin).toMatchObject({ code: 1, err: expect.stringContaining('the scope admin') as string })
  })
})
