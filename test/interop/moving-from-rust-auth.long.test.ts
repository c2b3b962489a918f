import { execFile } from 'node:child_process'
import { pbkdf2Sync } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTable } from '../../examples/moving-from-rust-auth/read-table.ts'
import { endServers, root, serve, workplace, cli, type Json, type Server } from '../cli/bench.ts'

const run = promisify(execFile)
const salt = 'the secret of the old server'
const passwords = { ada: 'opensesame', admin: 'OldAdminPassword' } as const
const credential = (username: keyof typeof passwords) => ({
  B: pbkdf2Sync(passwords[username], salt + username, 100_000, 32, 'sha256').toString('base64'),
})
const adaId = 'f1b0d5a2-8a4e-4ad5-8f2a-0c7b3f9f2f11'

/** The table as it is there: people in two items each, clients, refresh tokens. */
const items = [
  { pk: { S: `U#${adaId}` }, user_id: { S: adaId }, full_name: { S: 'Ada Lovelace' } },
  { pk: { S: 'UC#ada' }, user_id: { S: adaId }, credential: credential('ada') },
  { pk: { S: 'U#admin_id' }, user_id: { S: 'admin_id' }, full_name: { S: 'Administrator' } },
  { pk: { S: 'UC#admin' }, user_id: { S: 'admin_id' }, credential: credential('admin'), scopes: { SS: ['superuser'] } },
  { pk: { S: 'C#loopback' }, client_name: { S: 'loopback' }, grants: { SS: ['password'] }, loopback: { BOOL: true } },
  {
    pk: { S: 'C#phone' },
    client_name: { S: 'Phone' },
    grants: { SS: ['password', 'refresh_token'] },
    scopes: { SS: ['offline_access', 'superuser'] },
  },
  {
    pk: { S: 'C#job' },
    client_name: { S: 'Night job' },
    grants: { SS: ['client_credentials'] },
    credential: { B: 'AAAA' },
    scopes: { SS: ['superuser'] },
  },
  { pk: { S: 'RT#phone#hash' }, subject: { S: adaId }, device_name: { S: 'Phone' }, expiry: { N: '1795000000' } },
]

describe('what DynamoDB writes', () => {
  const about = { secret: salt, iterations: 100_000 }
  test('a scan and an export say the same', () => {
    const scanned = readTable(JSON.stringify({ Items: items, Count: items.length }), about)
    const exported = readTable(items.map((Item) => `${JSON.stringify({ Item })}\n`).join(''), about)
    expect(exported).toEqual(scanned)
    expect(scanned.accounts).toHaveLength(2)
    expect(scanned.clients.map(({ client_id: id }) => id)).toEqual(['phone', 'job'])
    expect(scanned.remarks.join('\n')).toContain('1 refresh tokens stay behind')
  })
})

describe('examples/moving-from-rust-auth', () => {
  const { directory, remove } = workplace()
  const secrets = join(directory, 'new-secrets.jsonl')
  let server: Server
  const move = () =>
    run(
      process.execPath,
      [
        join(root, 'examples/moving-from-rust-auth/move.ts'),
        '--table',
        join(directory, 'auth.json'),
        '--secrets',
        secrets,
        '--',
        '--data',
        join(directory, 'data'),
      ],
      { env: { ...process.env, CREDENTIAL_SECRET: salt } },
    )

  beforeAll(async () => {
    writeFileSync(join(directory, 'auth.json'), JSON.stringify({ Items: items }))
    server = await serve(directory)
    await move()
  }, 60_000)
  afterAll(async () => {
    await endServers()
    remove()
  })

  async function token(form: Record<string, string>, basic?: string): Promise<{ status: number; body: Json }> {
    const answer = await fetch(`${server.issuer}/oauth/token`, {
      method: 'POST',
      headers: basic === undefined ? {} : { authorization: `Basic ${btoa(basic)}` },
      body: new URLSearchParams(form),
    })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const signIn = (username: string, password: string) =>
    token({ grant_type: 'password', client_id: 'phone', username, password, scope: 'openid me offline_access' })
  const rehashed = async () =>
    ((await cli(directory, ['events', 'list', '--json'])).json()['items'] as { type: string }[]).filter(
      ({ type }) => type === 'user.password_rehashed',
    ).length

  test('everybody keeps id and password; the first right one makes a better hash of it, once', async () => {
    expect((await signIn('ada', 'opensesame!')).status).toBe(400)
    expect(await rehashed()).toBe(0)
    const first = await signIn('ada', passwords.ada)
    expect(first.status).toBe(200)
    expect(await rehashed()).toBe(1)
    const who = await fetch(`${server.issuer}/api/v1/me`, {
      headers: { authorization: `Bearer ${String(first.body['access_token'])}` },
    })
    expect(await who.json()).toMatchObject({ user_id: `usr_${adaId}`, username: 'ada', full_name: 'Ada Lovelace' })
    // The new hash is of the same password, and nothing that was issued ended with the old one.
    expect((await signIn('ada', 'opensesame!')).status).toBe(400)
    expect((await signIn('ADA', passwords.ada)).status).toBe(200)
    expect(await rehashed()).toBe(1)
    const refreshed = await token({
      grant_type: 'refresh_token',
      client_id: 'phone',
      refresh_token: String(first.body['refresh_token']),
    })
    expect(refreshed.status).toBe(200)
  })

  test('roles come along; the administrator of there is beside the one of here', async () => {
    expect((await cli(directory, ['user', 'show', 'admin-before', '--json'])).json()).toMatchObject({
      user_id: 'usr_admin_id',
      role: 'superuser',
    })
    expect((await signIn('admin-before', passwords.admin)).status).toBe(200)
  })

  test('clients may do what they were meant to, with a new secret for their owners alone', async () => {
    expect(statSync(secrets).mode & 0o077).toBe(0)
    const { client_id: id, client_secret: secret } = JSON.parse(readFileSync(secrets, 'utf8')) as Record<string, string>
    expect(id).toBe('job')
    const made = await token({ grant_type: 'client_credentials', scope: 'admin' }, `job:${secret}`)
    expect(made.status).toBe(200)
    const denied = await token({ grant_type: 'password', username: 'ada', password: passwords.ada }, `job:${secret}`)
    expect([denied.status, denied.body['error']]).toEqual([400, 'unauthorized_client'])
    const above = await token({
      grant_type: 'password',
      client_id: 'phone',
      username: 'ada',
      password: passwords.ada,
      scope: 'admin',
    })
    expect(above.status).toBe(400)
  })

  test('can be run again', async () => {
    expect((await move()).stdout).toContain('accounts: 0 imported, 2 were there')
  })
})
