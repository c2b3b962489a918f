import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { decodeBase32 } from '../../src/crypto/base32.ts'
import { signMessage } from '../../src/crypto/message-signature.ts'
import { totp } from '../../src/crypto/one-time-code.ts'
import { requestComponent, signatureBase } from '../../src/protocol/message-signature.ts'
import { createBrowser, formBody, type Answer } from '../kit/browser.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { signed, type Signer } from '../kit/sign.ts'
import { attack, expectTokenError, type House } from './support.ts'

const ed25519 = generateKeyPairSync('ed25519')
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = (key: typeof ed25519.publicKey) => ({ ...key.export({ format: 'jwk' }) })
const pemOf = (key: typeof ed25519.privateKey) => String(key.export({ format: 'pem', type: 'pkcs8' }))

let server: TestGatehouse
let app: MadeClient
let house: House
let mac: Signer
let withCode: MadeClient

const signing = {
  token_endpoint_auth_method: 'http_message_signature',
  grant_types: ['client_credentials'],
  scope: 'read',
}
const form = { grant_type: 'client_credentials', scope: 'read' }

beforeAll(async () => {
  server = await startGatehouse()
  app = await server.makeClient()
  const made = await server.makeClient({ ...signing, client_id: 'mac' })
  mac = { clientId: 'mac', key: { secret: made.secret } }
  withCode = await server.makeClient({ ...signing, client_id: 'coded', require_one_time_code: true })
  await server.makeClient({ ...signing, client_id: 'ed', jwks: { keys: [jwkOf(ed25519.publicKey)] } })
  await server.makeClient({ ...signing, client_id: 'ec', jwks: { keys: [jwkOf(p256.publicKey)] } })
  house = { server, app, secrets: [app.secret, made.secret, withCode.secret, withCode.oneTimeCodeSecret ?? ''] }
})
afterAll(() => server.close())

const tokenUrl = () => `${server.url}/oauth/token`

/** The headers of an honest token request by a client. */
function honest(
  by: Signer = mac,
  at: { readonly now?: number; readonly nonce?: string } = {},
  fields: Readonly<Record<string, string>> = form,
) {
  const request = { method: 'POST', url: tokenUrl(), body: formBody(fields) }
  return signed(request, by, { now: server.clock.seconds(), ...at })
}

function send(
  headers: Readonly<Record<string, string | undefined>>,
  {
    path = '/oauth/token',
    fields = form,
  }: { readonly path?: string; readonly fields?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const kept = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return createBrowser(server.url).ask(path, { form: fields, headers: Object.fromEntries(kept) })
}

/** As an attacker sends it: nothing is written, nothing leaks, the house goes on. */
const refused = async (sending: () => Promise<Answer>) =>
  expectTokenError(await attack(house, sending), 'invalid_client')

describe('signed requests (RFC 9421): who signs is the client', () => {
  test('hmac-sha256 with the secret, ed25519 and ecdsa-p256-sha256 with a registered key', async () => {
    const signers: readonly Signer[] = [
      mac,
      { clientId: 'ed', key: { privateKey: pemOf(ed25519.privateKey) } },
      { clientId: 'ec', key: { privateKey: pemOf(p256.privateKey) } },
    ]
    for (const by of signers) {
      const answer = await send(honest(by))
      expect(answer.status, `${by.clientId}: ${answer.text}`).toBe(200)
    }
    expect((await send(honest(), { fields: { ...form } })).json()).toMatchObject({ scope: 'read' })
  })

  test('S01 replay: a nonce works once, in parallel and with another body or time too', async () => {
    const headers = honest()
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(headers)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    await refused(() => send(headers))
    const nonce = 'the same nonce'
    expect((await send(honest(mac, { nonce }))).status).toBe(200)
    await refused(() => send(honest(mac, { nonce, now: server.clock.seconds() + 5 })))
    // The nonce is the client's own: another client may come upon the same.
    expect(
      (await send(honest({ clientId: 'ed', key: { privateKey: pemOf(ed25519.privateKey) } }, { nonce }))).status,
    ).toBe(200)
  })

  test('S02 window: older or newer than 60 seconds', async () => {
    const now = server.clock.seconds()
    for (const created of [now - 62, now + 62, 0]) await refused(() => send(honest(mac, { now: created })))
    for (const created of [now - 55, now + 55]) expect((await send(honest(mac, { now: created }))).status).toBe(200)
  })

  test('S02 window: a nonce is remembered for as long as its signature could be used', async () => {
    const headers = honest(mac, { now: server.clock.seconds() + 58 })
    expect((await send(headers)).status).toBe(200)
    server.clock.advance(115)
    await refused(() => send(headers))
  })

  test('S01 replay: also after a restart', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'gatehouse-signed-'))
    const store = { adapter: 'sqlite', path: join(dataDirectory, 'gatehouse.db') } as const
    const first = await startGatehouse({ dataDirectory, store })
    const made = await first.makeClient({ ...signing, client_id: 'mac' })
    const url = `${first.url}/oauth/token`
    const body = formBody(form)
    const by = { clientId: 'mac', key: { secret: made.secret } }
    const headers = signed({ method: 'POST', url, body }, by, { now: first.clock.seconds() })
    const post = () => createBrowser(first.url).ask('/oauth/token', { form, headers })
    expect((await post()).status).toBe(200)
    await first.close()
    const listen = { host: '127.0.0.1', port: first.port }
    const second = await startGatehouse({ dataDirectory, store, config: { issuer: first.url, listen } })
    expectTokenError(await post(), 'invalid_client')
    const fresh = signed({ method: 'POST', url, body }, by, { now: second.clock.seconds() })
    expect((await createBrowser(first.url).ask('/oauth/token', { form, headers: fresh })).status).toBe(200)
    await second.close()
    rmSync(dataDirectory, { recursive: true })
  })

  test('S03 body: another body, another digest, none', async () => {
    const other = { ...form, scope: 'write' }
    await refused(() => send(honest(), { fields: other }))
    const { 'content-digest': _digest, ...bare } = honest()
    await refused(() => send(bare))
    await refused(() => send({ ...honest(), 'content-digest': 'sha-256=:YQ==:' }))
    const empty = signed({ method: 'POST', url: tokenUrl() }, mac, { now: server.clock.seconds() })
    await refused(() => send(empty))
  })

  test('S04 target: made for another address, method or server', async () => {
    const now = server.clock.seconds()
    const body = formBody(form)
    for (const request of [
      { method: 'POST', url: `${server.url}/oauth/revoke`, body },
      { method: 'POST', url: `${server.url}/oauth/token?x=1`, body },
      { method: 'GET', url: tokenUrl(), body },
      { method: 'POST', url: 'https://evil.example/oauth/token', body },
    ]) {
      await refused(() => send(signed(request, mac, { now })))
    }
  })

  test('S04 target: the Host header has no say in it', async () => {
    const evil = { method: 'POST', url: `http://127.0.0.1:${server.port}/oauth/token`, body: formBody(form) }
    const headers = signed(evil, mac, { now: server.clock.seconds() })
    const answer = await fetch(evil.url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: evil.body,
    })
    expect(answer.status).not.toBe(200)
  })

  const all = ['@method', '@target-uri', 'content-digest']

  /** A right signature over these components, with further parameters. */
  function covering(components: readonly string[], nonce: string, more = ''): Readonly<Record<string, string>> {
    const full = honest()
    const signable = { method: 'POST', targetUri: tokenUrl(), headers: full }
    const times = `created=${server.clock.seconds()}${more}`
    const parameters = `(${components.map((name) => `"${name}"`).join(' ')});${times};nonce="${nonce}";keyid="mac"`
    const base = signatureBase({ components, parameters }, (name) => requestComponent(signable, name)) ?? ''
    return { ...full, 'signature-input': `sig=${parameters}`, signature: `sig=:${signMessage(mac.key, base)}:` }
  }

  test('S05 coverage: a right signature that leaves out what the request does', async () => {
    expect((await send(covering(all, 's05'))).status).toBe(200)
    for (const left of all) {
      const components = all.filter((name) => name !== left)
      await refused(() => send(covering(components, `s05-${left}`)))
    }
    await refused(() => send(covering([], 's05-none')))
  })

  test('S02 window: `expires` ends it sooner, and one that has passed ends it at once', async () => {
    const now = server.clock.seconds()
    for (const expires of [0, now - 30, now])
      await refused(() => send(covering(all, `expires-${expires}`, `;expires=${expires}`)))
    expect((await send(covering(all, 'brief', `;expires=${now + 30}`))).status).toBe(200)
    const late = covering(all, 'late', `;expires=${now + 30}`)
    server.clock.advance(31)
    await refused(() => send(late))
  })

  test('S06 key: another client’s secret, a secret as key of a client with keys, a name that nobody has', async () => {
    await refused(() => send(honest({ clientId: 'mac', key: { secret: app.secret } })))
    await refused(() => send(honest({ clientId: 'ed', key: { secret: JSON.stringify(jwkOf(ed25519.publicKey)) } })))
    await refused(() => send(honest({ clientId: 'ed', key: { privateKey: pemOf(p256.privateKey) } })))
    await refused(() => send(honest({ clientId: 'nobody', key: { secret: app.secret } })))
    await refused(() => send(honest({ clientId: 'app', key: { secret: app.secret } })))
    const fields = { ...form, client_id: 'app' }
    await refused(() => send(honest(mac, {}, fields), { fields }))
    const own = { ...form, client_id: 'mac' }
    expect((await send(honest(mac, {}, own), { fields: own })).status).toBe(200)
  })

  test('S06 key: unknown client and wrong key get the same answer', async () => {
    const wrong = await send(honest({ clientId: 'mac', key: { secret: 'wrong' } }))
    const unknown = await send(honest({ clientId: 'nobody', key: { secret: 'wrong' } }))
    expect(unknown.text).toBe(wrong.text)
    expect(unknown.status).toBe(wrong.status)
  })

  test('S07 forms: several signatures, half a signature, parameters missing, components with parameters', async () => {
    const { signature = '', 'signature-input': input = '', ...rest } = honest()
    const bytes = signature.slice('sig='.length)
    const forms: readonly Readonly<Record<string, string | undefined>>[] = [
      { signature },
      { 'signature-input': input },
      { signature: `other=${bytes}`, 'signature-input': input },
      { signature: `${signature}, two=${bytes}`, 'signature-input': `${input}, two=${input.slice(4)}` },
      { signature: 'sig=:YQ==:', 'signature-input': input },
      { signature: 'sig="text"', 'signature-input': input },
      { signature, 'signature-input': 'sig=()' },
      { signature, 'signature-input': input.replace(/;created=\d+/, '') },
      { signature, 'signature-input': input.replace(/;nonce="[^"]*"/, '') },
      { signature, 'signature-input': input.replace('"@method"', '"@method" "@method"') },
      { signature, 'signature-input': input.replace('"@method"', '"@method";req') },
      { signature, 'signature-input': `${input};alg="none"` },
      { signature, 'signature-input': `${input};expires="soon"` },
      { signature: '((', 'signature-input': '))' },
    ]
    for (const form of forms) await refused(() => send({ ...rest, ...form }))
    expect((await send({ ...rest, signature, 'signature-input': input })).status).toBe(200)
  })

  test('RFC 6749 §2.3: a signature beside another method of authentication', async () => {
    const both = await attack(house, () => send({ ...honest(), authorization: app.basic }))
    expectTokenError(both, 'invalid_request')
  })

  test('its secret never travels: sent as a password it is refused, right as it is', async () => {
    const secret = 'secret' in mac.key ? mac.key.secret : ''
    await refused(() => send({ authorization: `Basic ${btoa(`mac:${secret}`)}` }))
    await refused(() => send({}, { fields: { ...form, client_id: 'mac', client_secret: secret } }))
  })

  test('S08 code: a client that must send a one-time code, once each, signed', async () => {
    const coded: Signer = { clientId: 'coded', key: { secret: withCode.secret } }
    const oneTimeCodeSecret = withCode.oneTimeCodeSecret ?? ''
    await refused(() => send(honest(coded)))
    await refused(() => send({ ...honest(coded), 'one-time-code': codeAt(0) }))
    await refused(() => send({ ...honest({ ...coded, oneTimeCodeSecret }), 'one-time-code': '000000' }))
    // Each of these is a right signature with a fresh nonce: only the first of the step counts.
    const headers = Array.from({ length: 5 }, () => honest({ ...coded, oneTimeCodeSecret }))
    const answers = await Promise.all(headers.map((each) => send(each)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    await refused(() => send(honest({ ...coded, oneTimeCodeSecret })))
    server.clock.advance(30)
    expect((await send(honest({ ...coded, oneTimeCodeSecret }))).status).toBe(200)
    // A secret of the right shape that isn't the client's.
    server.clock.advance(30)
    await refused(() => send(honest({ ...coded, oneTimeCodeSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' })))

    function codeAt(steps: number): string {
      return totp({
        secret: decodeBase32(oneTimeCodeSecret) ?? new Uint8Array(),
        now: server.clock.seconds() + 30 * steps,
      })
    }
  })

  test('H17: guesses of a code are counted by client, wherever they come from and whoever passes them on', async () => {
    const made = await server.makeClient({ ...signing, client_id: 'guessed', require_one_time_code: true })
    const api = await server.makeClient({ client_id: 'api' })
    const resource = 'https://things.example/v1'
    await server.makeResource({ resource, scope: 'read', introspection_clients: ['api'] })
    const active = async (oneTimeCodeSecret: string | undefined, headers?: object) => {
      const by: Signer = { clientId: 'guessed', key: { secret: made.secret }, oneTimeCodeSecret }
      headers ??= signed({ method: 'GET', url: resource }, by, { now: server.clock.seconds() })
      const form = { resource, method: 'GET', target_uri: resource, headers: JSON.stringify(headers) }
      const asked = { form, headers: { authorization: api.basic } }
      const answer = await createBrowser(server.url).ask('/oauth/signed-request', asked)
      return answer.json()['active']
    }
    const wrong = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
    expect(await active(made.oneTimeCodeSecret)).toBe(true)
    for (let guess = 0; guess < 10; guess += 1) expect(await active(wrong)).toBe(false)
    server.clock.advance(30)
    expect(await active(made.oneTimeCodeSecret)).toBe(false)
    server.clock.advance(60)
    expect(await active(made.oneTimeCodeSecret)).toBe(true)
  })

  test('S08 code: its secret is sealed at rest, and no list shows it', () => {
    const { authentication } = withCode.record
    const stored = JSON.stringify(withCode.record)
    const bytes = Buffer.from(decodeBase32(withCode.oneTimeCodeSecret ?? '') ?? [])
    for (const form of [withCode.oneTimeCodeSecret ?? '', bytes.toString('base64'), bytes.toString('hex')])
      expect(stored).not.toContain(form)
    expect(bytes).toHaveLength(20)
    expect('oneTimeCode' in authentication && authentication.oneTimeCode).toBeTruthy()
  })

  test('S09 brute: guesses are throttled per client and source', async () => {
    onTestFinished(server.clock.stand())
    const guess = () => send(honest({ clientId: 'ec', key: { secret: 'a guess' } }))
    const statuses: number[] = []
    for (let tries = 0; tries < 32; tries += 1) statuses.push((await guess()).status)
    expect(statuses.at(0)).toBe(401)
    expect(statuses.at(-1)).toBe(429)
    expect((await send(honest())).status).toBe(200)
  })

  test('a client that was registered with RSA keys or with keys of another method is refused', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    await expect(server.makeClient({ ...signing, client_id: 'rsa', jwks: { keys: [rsa] } })).rejects.toThrow(
      /P-256 or Ed25519/,
    )
    await expect(server.makeClient({ client_id: 'x', require_one_time_code: true })).rejects.toThrow(
      /require_one_time_code/,
    )
    await expect(
      server.makeClient({ ...signing, client_id: 'y', token_endpoint_auth_signing_alg: 'ES256' }),
    ).rejects.toThrow(/token_endpoint_auth_signing_alg/)
  })
})
