import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGitHub, type GitHub } from '../emulators/github.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'

let folder: string
let github: GitHub
let openid: OpenId
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-provider-'))
  ;[github, openid] = await Promise.all([startGitHub(), startOpenId()])
  const entry = (name: string, secret: string) => `  - name: ${name}
    preset: github
    client_id: ${github.clientId}
    client_secret: { env: ${secret} }
    token_endpoint: ${github.url}/login/oauth/access_token
    authorization_endpoint: ${github.url}/login/oauth/authorize
    allow_insecure: true
`
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `issuer: https://login.example.org
providers:
${entry('github', 'RIGHT')}${entry('typo', 'WRONG')}  - name: liar
    preset: oidc
    issuer: ${openid.issuer.replace('127.0.0.1', 'localhost')}
    client_id: x
    client_secret: { env: RIGHT }
    allow_insecure: true
`,
  )
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await Promise.all([github.close(), openid.close()])
})

function gatehouse(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
  const env = { PATH: process.env['PATH'], RIGHT: github.clientSecret, WRONG: 'f'.repeat(40) }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'provider', ...args], { cwd: folder, env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    )
  })
}

describe('gatehouse provider', () => {
  it('lists and shows, and tells no secret', async () => {
    const [list, show] = await Promise.all([gatehouse('list', '--json'), gatehouse('show', 'github')])
    expect((JSON.parse(list.out) as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual([
      'github',
      'typo',
      'liar',
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
    expect(none.err).toContain('known are github, typo, liar')
  })
})
