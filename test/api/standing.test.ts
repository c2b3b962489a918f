import { beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../src/domain/client.ts'
import type { User } from '../../src/domain/user.ts'
import { openHouse, type House } from './house.ts'

let house: House
let client: Client

beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({ client_id: 'console', scope: 'openid me admin admin:read' })
})

const tokenOf = async (user: User, signedInAgo = 0) =>
  (await house.makeToken({ client, user, scope: 'admin', signedInAgo })).token
const change = async (token: string, user: User, body: object) =>
  house.ask('PATCH', `/api/v1/users/${user.userId}`, { token, body })

describe('RFC 9470 §3: what gives power over others takes a recent sign-in', () => {
  const late = 301

  test.each([{ role: 'admin' }, { scopes: [] }, { locked: true }, { locked: false }, { password: 'a fine long one' }])(
    '%o',
    async (body) => {
      const boss = await house.makeUser({ role: 'superuser' })
      const answer = await change(await tokenOf(boss, late), await house.makeUser(), body)
      expect({ status: answer.status, code: answer.body['code'] }).toEqual({
        status: 401,
        code: 'recent_sign_in_needed',
      })
      expect(answer.header('www-authenticate')).toMatch(/error="insufficient_user_authentication".*max_age="300"$/)
      expect((await change(await tokenOf(boss), await house.makeUser(), body)).status).toBe(200)
    },
  )

  test('a new account with a role or scopes; one without them needs none', async () => {
    const token = await tokenOf(await house.makeUser({ role: 'superuser' }), late)
    const create = async (body: object) => (await house.ask('POST', '/api/v1/users', { token, body })).status
    expect(await create({ username: 'power1', role: 'admin' })).toBe(401)
    expect(await create({ username: 'power2', scopes: ['introspect'] })).toBe(401)
    expect(await create({ username: 'plain' })).toBe(201)
  })

  test('a new client, and every change of one: what it may do is done in its administrator’s name', async () => {
    const token = await tokenOf(await house.makeUser({ role: 'superuser' }), late)
    const { clientId } = await house.makeClient()
    const body = { grant_types: ['client_credentials'], scope: 'admin' }
    expect((await house.ask('POST', '/api/v1/clients', { token, body })).status).toBe(401)
    expect((await house.ask('PATCH', `/api/v1/clients/${clientId}`, { token, body })).status).toBe(401)
  })

  test('a new secret for a client', async () => {
    const target = await house.makeClient()
    const boss = await house.makeUser({ role: 'superuser' })
    const path = `/api/v1/clients/${target.clientId}/secret`
    expect((await house.ask('POST', path, { token: await tokenOf(boss, late) })).status).toBe(401)
    expect((await house.ask('POST', path, { token: await tokenOf(boss) })).status).toBe(201)
  })
})

describe('a client that is switched off', () => {
  test('gets nothing, and what was issued to it is dead, also after it is switched on again', async () => {
    const boss = await tokenOf(await house.makeUser({ role: 'superuser' }))
    const target = await house.makeClient({ client_id: 'switched' })
    const { token } = await house.makeToken({ client: target, user: await house.makeUser(), scope: 'me' })
    const path = '/api/v1/clients/switched'
    const off = await house.ask('PATCH', path, { token: boss, body: { disabled: true, client_name: 'Off' } })
    expect(off.status, off.text).toBe(200)
    expect(off.body).toMatchObject({ disabled: true, client_name: 'Off' })
    expect(Number(off.body['epoch'])).toBeGreaterThan(target.epoch)
    expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(401)
    const on = await house.ask('PATCH', path, { token: boss, body: { disabled: false } })
    expect(on.body).toMatchObject({ disabled: false, epoch: off.body['epoch'] })
    expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(401)
    expect((await house.ask('PATCH', path, { token: boss, body: { disabled: 'yes' } })).status).toBe(400)
    const about = (await house.events()).filter(({ clientId }) => clientId === 'switched')
    expect(about.map(({ type }) => type).toSorted()).toEqual(['client.created', 'client.disabled', 'client.enabled'])
  })
})
