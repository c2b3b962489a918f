import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { github as githubPreset } from '../../src/config/presets/github.ts'
import { epochOf, readEditors, readIssuers, userIdOf } from '../../examples/moving-from-fatcat/read-editors.ts'
import { addCaveats, mintMacaroon, printBinaryV2, printInstant, rootKeyOf } from '../../src/tokens/macaroon/index.ts'
import { cli, endServers, root, serve, workplace, type Server } from '../cli/bench.ts'

const run = promisify(execFile)
const vector = JSON.parse(readFileSync(join(root, 'test/vectors/macaroons-fatcat-style.json'), 'utf8')) as {
  publicIds: { uuid: string; fcid: string }[]
}

describe('what fatcat writes', () => {
  test.each(vector.publicIds)('$uuid is $fcid', ({ uuid, fcid }) => expect(userIdOf(uuid)).toBe(`usr_${fcid}`))

  test('a macaroon holds here if it held there: at most a second older than auth_epoch', () => {
    const epoch = epochOf('2024-05-01 10:00:00.5+00')
    const holds = (instant: string) => Date.parse(instant) > epoch
    expect(holds('2024-05-01T09:59:59Z')).toBe(false)
    expect(holds('2024-05-01T10:00:00Z')).toBe(true)
    expect(epochOf('1970-01-01 00:00:00+00')).toBe(1)
  })

  test('a bot without anybody who answers for it is named', () => {
    const head = 'id,username,is_superuser,is_admin,is_bot,is_active,auth_epoch,wrangler_id'
    const row = '00000000-0000-0000-aaaa-000000000001,robot,f,f,t,t,2024-05-01 10:00:00+00,'
    expect(() => readEditors(`${head}\n${row}\n`, undefined)).toThrow('the bot robot has no wrangler')
  })

  test('H24: an issuer is written for who is known by a number alone; the name of one may be the number of another', () => {
    expect([...readIssuers(['github=https://github.com', 'orcid=https://orcid.org'])]).toEqual([
      ['github', 'https://github.com'],
      ['orcid', 'https://orcid.org'],
    ])
    expect(() => readIssuers(['wikipedia=https://meta.wikimedia.org'])).toThrow('user names')
    for (const pair of ['github', 'github=', '=https://github.com', 'github=github.com', 'github=http://github.com'])
      expect(() => readIssuers([pair])).toThrow('PROVIDER=URL')
  })
})

describe('examples/moving-from-fatcat', () => {
  const { directory, remove } = workplace()
  const current = Buffer.alloc(32, 1)
  const former = Buffer.alloc(32, 2)
  const editors = [
    'id,username,is_superuser,is_admin,is_bot,is_active,auth_epoch,wrangler_id',
    '00000000-0000-0000-aaaa-000000000001,root,t,t,f,t,1970-01-01 00:00:00+00,',
    '00000000-0000-0000-aaaa-000000000002,claire,f,t,f,t,2024-05-01 10:00:00.123456+00,',
    '00000000-0000-0000-aaaa-000000000003,gone,f,f,f,f,1970-01-01 00:00:00+00,',
    '00000000-0000-0000-aaaa-000000000004,crawler,f,f,t,t,1970-01-01 00:00:00+00,00000000-0000-0000-aaaa-000000000002',
  ].join('\n')
  const fcid = (number: number) => userIdOf(`00000000-0000-0000-aaaa-00000000000${number}`).slice('usr_'.length)
  let server: Server

  const move = () =>
    run(
      process.execPath,
      [
        join(root, 'examples/moving-from-fatcat/move.ts'),
        '--editors',
        join(directory, 'editors.csv'),
        '--identities',
        join(directory, 'identities.csv'),
        // Who is there by GitHub is to sign in on the pages of this server.
        '--issuer',
        'github=https://github.com',
        '--resource',
        'https://api.example',
        '--scope',
        'edit',
        '--not-after',
        printInstant(Math.floor(Date.now() / 1000) + 86_400),
        '--',
        '--data',
        join(directory, 'data'),
      ],
      {
        env: {
          ...process.env,
          AUTH_KEY_IDENT: '20240101-prod',
          AUTH_SECRET_KEY: current.toString('base64'),
          AUTH_ALT_KEYS: `20190110-qa:${former.toString('base64')}`,
        },
      },
    )

  beforeAll(async () => {
    writeFileSync(join(directory, 'editors.csv'), `${editors}\n`)
    const identities = [
      'editor_id,provider,oidc_iss,oidc_sub',
      '00000000-0000-0000-aaaa-000000000002,orcid,https://orcid.org/,0000-0002-1825-0097',
      '00000000-0000-0000-aaaa-000000000002,github,https://api.github.com/,4711',
      // Of the bot: nobody signs in as one here.
      '00000000-0000-0000-aaaa-000000000004,github,https://api.github.com/,4712',
    ]
    writeFileSync(join(directory, 'identities.csv'), `${identities.join('\n')}\n`)
    server = await serve(directory)
    await move()
  })
  afterAll(async () => {
    await endServers()
    remove()
  })

  async function holds(caveats: readonly string[], key = current, identifier = '20240101-prod'): Promise<unknown> {
    const macaroon = addCaveats(
      mintMacaroon({ rootKey: rootKeyOf(key), identifier, location: 'api.fatcat.wiki' }),
      caveats,
    )
    const said = await cli(directory, ['token', 'verify', printBinaryV2(macaroon).toString('base64'), '--json'])
    return said.code === 0 ? said.json() : said.err
  }

  test('their macaroons hold, of the current key and of the former one, with their roles', async () => {
    const claire = [`editor_id = ${fcid(2)}`, 'time > 2024-05-01T10:00:00Z']
    expect(await holds(claire)).toMatchObject({ active: true, username: 'claire', role: 'admin', scope: 'edit' })
    expect(await holds(claire, former, '20190110-qa')).toMatchObject({ active: true })
    expect(await holds([`editor_id = ${fcid(4)}`, 'time > 2020-01-01T00:00:00Z'])).toMatchObject({
      username: 'crawler',
    })
    expect(await holds([`editor_id = ${fcid(1)}`, 'time > 2020-01-01T00:00:00Z'])).toMatchObject({
      username: 'root-fatcat',
      role: 'superuser',
    })
  })

  test('what had been revoked, or locked, or is of another key, does not', async () => {
    expect(await holds([`editor_id = ${fcid(2)}`, 'time > 2024-05-01T09:59:58Z'])).toContain('epoch_changed')
    expect(await holds([`editor_id = ${fcid(3)}`, 'time > 2024-06-01T00:00:00Z'])).toContain('user_locked')
    expect(await holds([`editor_id = ${fcid(2)}`, 'time > 2024-06-01T00:00:00Z'], former)).toContain('token_signature')
  })

  test('at introspection, for a front end of that API, with the server running all the while', async () => {
    const secret = (
      await cli(directory, ['client', 'create', '--client-id', 'web', '--grant-types', 'client_credentials', '--json'])
    ).json()
    await cli(directory, ['resource', 'delete', 'https://api.example'])
    await cli(directory, [
      'resource',
      'create',
      'https://api.example',
      '--scope',
      'edit',
      '--introspection-clients',
      'web',
    ])
    const macaroon = addCaveats(mintMacaroon({ rootKey: rootKeyOf(current), identifier: '20240101-prod' }), [
      `editor_id = ${fcid(2)}`,
      'time > 2024-06-01T00:00:00Z',
      'endpoint = update_editor',
    ])
    const ask = async (endpoint: string): Promise<unknown> => {
      const answer = await fetch(`${server.issuer}/oauth/introspect`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`web:${String(secret['client_secret'])}`)}` },
        body: new URLSearchParams({
          token: printBinaryV2(macaroon).toString('base64url'),
          caveat_context: JSON.stringify({ endpoint }),
        }),
      })
      return answer.json()
    }
    expect(await ask('update_editor')).toMatchObject({ active: true, sub: `usr_${fcid(2)}`, scope: 'edit' })
    expect(await ask('auth_check')).toEqual({ active: false })
  })

  test('a front end goes on signing them in, as who they are elsewhere', async () => {
    const front = (
      await cli(directory, [
        'client',
        'create',
        '--client-id',
        'front',
        '--grant-types',
        'client_credentials',
        '--scope',
        'accounts:provision',
        '--json',
      ])
    ).json()
    const asked = await fetch(`${server.issuer}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`front:${String(front['client_secret'])}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'accounts:provision' }),
    })
    const { access_token: token } = (await asked.json()) as { access_token: string }
    const provision = async (wanted: object) => {
      const answer = await fetch(`${server.issuer}/api/v1/identities`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ preferred_username: 'claire', ...wanted }),
      })
      return { status: answer.status, body: await answer.json() }
    }
    const orcid = { provider: 'orcid', issuer: 'https://orcid.org/', subject: '0000-0002-1825-0097' }
    expect(await provision(orcid)).toMatchObject({
      status: 200,
      body: { user_id: `usr_${fcid(2)}`, username: 'claire' },
    })
    // As this server's own sign-in by GitHub names it (config/presets/github.ts).
    const github = { provider: 'github', issuer: githubPreset.issuer, subject: '4711' }
    expect(await provision(github)).toMatchObject({ status: 200, body: { username: 'claire' } })
    expect(await provision({ ...github, subject: '4712' })).toMatchObject({ status: 201 })
  })

  test('can be run again', async () => {
    expect((await move()).stdout).toBe('accounts: 0 imported, 4 were there\n')
  })
})
