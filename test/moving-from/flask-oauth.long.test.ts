import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endServers, root, serve, workplace } from '../cli/bench.ts'

const run = promisify(execFile)
const page = readFileSync(join(root, 'docs/moving-from/flask-oauth.md'), 'utf8')
const blocks = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, text = '']) => text)
const noCurl = spawnSync('curl', ['--version']).error !== undefined
const password = 'a heron beside 9 weirs'

const { directory, remove } = workplace()
let issuer = ''

beforeAll(async () => {
  if (noCurl) return
  const environment = { GATEHOUSE_ADMIN_PASSWORD: password }
  issuer = (await serve(directory, [], environment)).issuer
}, 60_000)
afterAll(async () => {
  await endServers()
  remove()
})

/** Runs all blocks so far in one shell, as a reader would; what the last one prints. */
const said: string[] = []
async function next(): Promise<string> {
  const before = blocks.slice(0, said.length).flatMap((text) => text.match(/^\w+='[^\n]*$/gm) ?? [])
  const script = ['set -eu', ...before, blocks[said.length] ?? ''].join('\n')
  const env = { PATH: `${root}bin:${process.env['PATH'] ?? ''}`, ISSUER: issuer, ADMIN_PASSWORD: password }
  const { stdout } = await run('sh', ['-c', script], { cwd: directory, env })
  said.push(stdout)
  return stdout
}

describe.skipIf(noCurl)('docs/moving-from/flask-oauth.md', () => {
  test('a client for guests is made, and its secret stands in a file', async () => {
    expect(await next()).toBe('')
    expect(readFileSync(join(directory, 'guest.secret'), 'utf8')).toMatch(/^gth_cs_\S+\n$/)
  })

  test('a guest gets a token, and no refresh token (RFC 6749 §4.4.3)', async () => {
    const answer = JSON.parse(await next()) as Record<string, unknown>
    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'read' })
    expect(answer).not.toHaveProperty('refresh_token')
  })

  test('a person’s refresh token gives the next', async () => {
    expect(JSON.parse(await next())).toMatchObject({ refresh_token: expect.stringMatching(/^gth_rt_/) as string })
  })

  test('an access key pair and the secret of its one-time codes', async () => {
    expect(await next()).toBe('')
    expect(readFileSync(join(directory, 'robot.secret'), 'utf8')).toMatch(/^gth_cs_\S+\n$/)
    expect(readFileSync(join(directory, 'robot.otp'), 'utf8')).toMatch(/^[A-Z2-7]{32}\n$/)
  })

  test('the one-time code', async () => {
    expect(await next()).toMatch(/^\d{6}\n$/)
  })

  test('a signed request is answered once', async () => {
    expect(JSON.parse(await next())).toMatchObject({ token_type: 'Bearer', scope: 'read' })
    expect(JSON.parse(await next())).toMatchObject({ error: 'invalid_client' })
  })

  test('no block was left out', () => {
    expect(said).toHaveLength(blocks.length)
  })
})

describe('docs/moving-from/flask-oauth.md says of every call, option and token what became of it', () => {
  test.each(
    ['/oauth/token/', '/oauth/authorize/', '/list?timestamp', 'grant_type=access_token', 'response_type=token'].concat(
      ['client_secret', 'refresh_token', 'redirect_uri', 'state', 'scope', 'username', 'expires_in', 'AccessKeyId'],
      ['Secret', 'timestamp', 'generateTOTP', 'check_token', '857652', 'invalid client', '8888'],
    ),
  )('%s', (word) => {
    expect(page).toContain(word)
  })
})
