import { beforeAll, expect, test } from 'vitest'
import type { Client } from '../../src/domain/client.ts'
import { ref } from '../../src/domain/record.ts'
import type { Role } from '../../src/domain/user.ts'
import { printCredential } from '../../src/tokens/credential.ts'
import { lengthen } from '../kit/macaroons.ts'
import { openHouse, type House } from './house.ts'

let house: House
let client: Client
beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({ client_id: 'web', scope: 'openid me admin', grant_types: ['client_credentials'] })
})

const asAdmin = async (role: Role = 'admin'): Promise<string> =>
  (await house.makeToken({ client, user: await house.makeUser({ role }), scope: 'admin' })).token
const revoke = async (text: string, token?: string) =>
  house.ask('POST', '/api/v1/revoked-tokens', { token: token ?? (await asAdmin()), body: { token: text } })
const holds = async (token: string): Promise<boolean> =>
  (await house.ask('GET', '/api/v1/me/session', { token })).status === 200

test.each(['jwt', 'opaque', 'macaroon'] as const)(
  'ends one access token (%s) and nothing beside it',
  async (format) => {
    const ada = await house.makeUser()
    const made = await house.makeToken({ client, user: ada, scope: 'me', format })
    const other = await house.makeToken({ client, user: ada, scope: 'me', format })
    const answer = await revoke(made.token)
    expect([answer.status, answer.body]).toEqual([200, { revoked: 'access_token', id: made.jti }])
    expect([await holds(made.token), await holds(other.token)]).toEqual([false, true])
    expect(await house.events()).toContainEqual(
      expect.objectContaining({ type: 'token.revoked', jti: made.jti, address: '192.0.2.7' }),
    )
    // Again: it is dead already, and stays so.
    expect((await revoke(made.token)).status).toBe(200)
  },
)

test('a macaroon ends also as the longest text that its holder made of it', async () => {
  const { token } = await house.makeToken({ client, user: await house.makeUser(), scope: 'me', format: 'macaroon' })
  expect((await revoke(lengthen(token))).status).toBe(200)
  expect(await holds(token)).toBe(false)
})

test('RFC 7009 §2.1: a refresh token takes all that came of its grant along', async () => {
  const { token, grantId } = await house.makeToken({ client, user: await house.makeUser(), scope: 'me' })
  const { random, keys } = house.context
  const imprint = { nonce: random.text(16), keyId: keys.secret('mac').keyId }
  const refresh = printCredential('rt', keys, { recordId: grantId, generation: 0, imprint })
  expect((await revoke(refresh)).body).toEqual({ revoked: 'grant', id: grantId })
  expect(await holds(token)).toBe(false)
  expect((await house.read(ref('grant', grantId)))?.revokedAt).toBeDefined()
})

test('M05: what belongs to somebody of a higher role is out of reach, whatever it is', async () => {
  const high = await house.makeUser({ role: 'superuser' })
  const { token, grantId } = await house.makeToken({ client, user: high, scope: 'me' })
  const imprint = { nonce: house.context.random.text(16), keyId: house.context.keys.secret('mac').keyId }
  const refresh = printCredential('rt', house.context.keys, { recordId: grantId, generation: 0, imprint })
  for (const text of [token, refresh]) {
    const answer = await revoke(text)
    expect([answer.status, answer.body['code']]).toEqual([403, 'forbidden'])
    expect(await holds(token)).toBe(true)
  }
  expect((await revoke(token, await asAdmin('superuser'))).status).toBe(200)
  expect(await holds(token)).toBe(false)
})

test('a token that a program has for itself ends too', async () => {
  const { token } = await house.makeToken({ client, scope: 'admin' })
  expect((await revoke(token)).status).toBe(200)
  expect((await house.ask('GET', '/api/v1/users', { token })).status).toBe(401)
})

test('what is no live token of ours is a 404 that wrote nothing', async () => {
  const { token } = await house.makeToken({ client, user: await house.makeUser(), scope: 'me' })
  const { random, keys } = house.context
  const imprint = { nonce: random.text(16), keyId: keys.secret('mac').keyId }
  const orphan = printCredential('rt', keys, { recordId: 'no-such-grant', generation: 0, imprint })
  const admin = await asAdmin()
  const before = house.commits()
  for (const text of ['nonsense', `${token.slice(0, -4)}AAAA`, orphan])
    expect((await revoke(text, admin)).body).toMatchObject({ status: 404, code: 'not_found' })
  expect(house.commits()).toBe(before)
})
