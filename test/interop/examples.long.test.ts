import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsOf } from '../kit/flow.ts'
import { root, startExample, type RunningExample } from './example.ts'

const run = promisify(execFile)
const missing = ['curl', 'openssl'].filter((tool) => spawnSync(tool, ['--help']).error !== undefined)

let example: RunningExample

beforeAll(async () => {
  example = await startExample('resource-server')
})
afterAll(() => example?.close())

/** What a script of examples/curl prints, one JSON document a line. */
async function script(name: string): Promise<Record<string, unknown>[]> {
  const env = { ...process.env, ISSUER: example.issuer, EXAMPLES_HOME: example.home }
  const { stdout } = await run(join(root, 'examples/curl', name), { env })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const personal = { token_type: 'Bearer', expires_in: 900 }
const ofNotes = { token_type: 'Bearer', scope: 'notes:read', expires_in: 300 }

/** What each script must print. */
const prints: Readonly<Record<string, readonly object[]>> = {
  'client-credentials-basic.sh': [ofNotes],
  'client-credentials-post.sh': [ofNotes],
  'client-credentials-private-key-jwt.sh': [ofNotes],
  'client-credentials-signed.sh': [ofNotes],
  'authorization-code.sh': [{ ...personal, scope: 'openid profile email offline_access' }],
  'refresh.sh': [{ ...personal, scope: 'openid profile', refresh_token: expect.stringMatching(/^gth_rt_/) as string }],
  'password.sh': [{ ...personal, scope: 'openid profile' }],
  'userinfo.sh': [{ name: 'Maria Lind', preferred_username: 'maria', email: 'maria@example.org' }],
  'introspection.sh': [{ active: true, client_id: 'curl-basic', aud: 'https://door.example', scope: 'door:open' }],
  'revocation.sh': [{ active: true }, { active: false }],
}

describe('examples/curl', () => {
  test('every script is expected to print something', () => {
    const scripts = globSync('examples/curl/*.sh', { cwd: root }).map((path) => basename(path))
    expect(scripts.toSorted()).toEqual(Object.keys(prints).toSorted())
  })

  test.for(Object.entries(prints))('%s', async ([name, documents], { skip }) => {
    skip(missing.length > 0, `needs ${missing.join(' and ')}`)
    // Twice: what the first run made must not stand in the way of the second.
    expect(await script(name)).toMatchObject(documents)
    expect(await script(name)).toMatchObject(documents)
  })
})

describe.skipIf(missing.length > 0)('examples/resource-server', () => {
  const call = (path: string, token?: string, form?: Record<string, string>) =>
    fetch(`${example.urls['resource-server']}${path}`, {
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })
  const accessToken = async (name: string) => String((await script(name))[0]?.['access_token'])

  test('RFC 6750 §3.1: without a token it says what is wanted, and names no error', async () => {
    const answer = await call('/notes')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="https://notes.example", scope="notes:read"')
  })

  test('a JWT for it is let in; one scope is not another', async () => {
    const token = await accessToken('client-credentials-basic.sh')
    const read = await call('/notes', token)
    expect(await read.json()).toEqual({ owner: 'curl-basic', notes: [] })
    const write = await call('/notes', token, { text: 'a note' })
    expect(write.status).toBe(403)
    expect(write.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    expect(write.headers.get('www-authenticate')).toContain('scope="notes:write"')
  })

  test('a token for somebody else, a changed one and an ID token are not', async () => {
    const [tokens] = await script('authorization-code.sh')
    const good = await accessToken('client-credentials-basic.sh')
    expect(claimsOf(good)).toMatchObject({ aud: 'https://notes.example' })
    for (const token of [
      String(tokens?.['access_token']),
      String(tokens?.['id_token']),
      `${good.slice(0, -6)}AAAAAA`,
    ]) {
      const answer = await call('/notes', token)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
  })

  test('the door asks about each token, and hears of a revocation at once', async () => {
    const secret = readFileSync(join(example.home, 'data/curl-basic.secret'), 'utf8')
    const headers = { authorization: `Basic ${btoa(`curl-basic:${secret}`)}` }
    const post = (path: string, form: Record<string, string>) =>
      fetch(`${example.issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })
    const wish = { grant_type: 'client_credentials', resource: 'https://door.example', scope: 'door:open' }
    const { access_token: token } = (await (await post('/oauth/token', wish)).json()) as { access_token: string }
    expect(token).toMatch(/^gth_at_/)
    expect((await call('/door', token, {})).status).toBe(200)
    await post('/oauth/revoke', { token })
    expect((await call('/door', token, {})).status).toBe(401)
  })
})

describe('examples', () => {
  test('no secret is in git: each is made at the first start, for its owner alone', () => {
    const kept = execFileSync('git', ['ls-files', 'examples'], { cwd: root, encoding: 'utf8' })
    expect(kept).not.toMatch(/\.(secret|password|pem|key|db)$/m)
    for (const path of globSync('data/*', { cwd: example.home })) {
      expect(statSync(join(example.home, path)).mode & 0o077, path).toBe(0)
    }
  })

  test('the password is printed; no token and no secret is', () => {
    expect(example.said()).toContain(example.person.password)
    expect(example.said()).not.toMatch(/gth_(?:at|rt|ac|cs)_|eyJ/)
    for (const path of globSync('data/*.secret', { cwd: example.home })) {
      expect(example.said()).not.toContain(readFileSync(join(example.home, path), 'utf8'))
    }
  })
})
