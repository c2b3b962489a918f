import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGitHub, type GitHub } from '../emulators/github.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { cli } from './bench.ts'

let folder: string
let github: GitHub
let openid: OpenId
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-provider-'))
  ;[github, openid] = await Promise.all([startGitHub(), startOpenId()])
  const entry = (name: string, secret: string, issuer = 'https://github.com') => `  - name: ${name}
    preset: github
    issuer: ${issuer}
    client_id: ${github.clientId}
    client_secret: { env: ${secret} }
    token_endpoint: ${github.url}/login/oauth/access_token
    authorization_endpoint: ${github.url}/login/oauth/authorize
    userinfo_endpoint: ${github.url}/user
    allow_insecure: true
`
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `issuer: https://login.example.org
providers:
${entry('github', 'RIGHT')}${entry('typo', 'WRONG', 'https://github.example')}  - name: liar
    preset: oidc
    issuer: ${openid.issuer.replace('127.0.0.1', 'localhost')}
    client_id: x
    client_secret: { env: RIGHT }
    allow_insecure: true
  - name: guarded
    preset: gitlab
    issuer: https://gitlab.example
    client_id: x
    client_secret: { env: RIGHT }
`,
  )
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await Promise.all([github.close(), openid.close()])
})

const gatehouse = (...args: readonly string[]) =>
  cli(folder, ['user', 'store', 'doctor'].includes(args[0] ?? '') ? args : ['provider', ...args], {
    environment: { RIGHT: github.clientSecret, WRONG: 'f'.repeat(40) },
  })

describe('gatehouse provider', () => {
  it('lists and shows, and tells no secret', async () => {
    const [list, show] = await Promise.all([gatehouse('list', '--json'), gatehouse('show', 'github')])
    expect((JSON.parse(list.out) as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual([
      'github',
      'typo',
      'liar',
      'guarded',
    ])
    expect(show.out).toContain('https://login.example.org/vault/callback/github')
    expect(list.out + show.out).not.toContain(github.clientSecret)
  })

  it('check says what is wrong, and the mend', async () => {
    const [right, typo, liar, none] = await Promise.all([
      gatehouse('check', 'github'),
      gatehouse('check', 'typo'),
      gatehouse('check', 'liar'),
      gatehouse('check', 'nobody'),
    ])
    expect(right).toMatchObject({ code: 0 })
    expect(right.out).toContain('it knows this client')
    expect(right.out).toContain('warn  allow_insecure')
    expect(typo).toMatchObject({ code: 1 })
    expect(typo.out).toContain('fail  it does not accept client_id and client_secret')
    expect(liar).toMatchObject({ code: 1 })
    expect(liar.out).toContain('write issuer exactly as it does')
    expect(none.err).toContain('known are github, typo, liar, guarded')
  })
})

describe('gatehouse user link', () => {
  it('links and unlinks: one account’s alone, one of each provider', async () => {
    expect(await gatehouse('store', 'migrate')).toMatchObject({ code: 0 })
    for (const name of ['ada', 'bob'])
      expect(await gatehouse('user', 'create', name, '--no-password')).toMatchObject({ code: 0 })
    const linked = await gatehouse('user', 'link', 'ada', 'github', '--subject', '42', '--json')
    expect(JSON.parse(linked.out)).toMatchObject({ provider: 'github', issuer: 'https://github.com', subject: '42' })
    const taken = await gatehouse('user', 'link', 'bob', 'github', '--subject', '42')
    expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('belongs to another account')])
    const second = await gatehouse('user', 'link', 'ada', 'github', '--subject', '43')
    expect([second.code, second.err]).toEqual([1, expect.stringContaining('another identity of this provider')])
    expect(await gatehouse('user', 'unlink', 'ada', 'github')).toMatchObject({ code: 0 })
    expect(await gatehouse('user', 'link', 'bob', 'github', '--subject', '42')).toMatchObject({ code: 0 })
    expect((await gatehouse('user', 'link', 'bob', 'nobody', '--subject', '1')).err).toContain(
      'there is no provider nobody',
    )
  })
})

it('gatehouse doctor warns of each provider that is allowed what others are not, and of no other', async () => {
  const { out } = await gatehouse('doctor', '--json')
  const { checks } = JSON.parse(out) as { checks: { check: string; status: string; detail: string }[] }
  const said = checks
    .filter(({ check }) => check === 'providers')
    .map(({ status, detail }) => [status, detail.split(' ')[0], detail.includes('allow_insecure')])
  expect(said).toEqual([
    ['warn', 'github', true],
    ['warn', 'typo', true],
    ['warn', 'liar', true],
    ['ok', 'guarded;', false],
  ])
})
