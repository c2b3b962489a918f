import { beforeAll, describe, expect, test } from 'vitest'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { patchUser, type UserPatch } from '../../src/accounts/patch-user.ts'
import type { Client } from '../../src/domain/client.ts'
import type { Role, User } from '../../src/domain/user.ts'
import { openHouse, type House } from './house.ts'

const cli = { kind: 'cli' } as const
let house: House
let client: Client
/** Of a superuser. */
let root: string

beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({ client_id: 'console', scope: 'openid me admin admin:read' })
  root = await tokenOf(await house.makeUser({ role: 'superuser' }))
})

const tokenOf = async (user: User) => (await house.makeToken({ client, user, scope: 'admin' })).token
const change = (user: User, body: object) => house.ask('PATCH', `/api/v1/users/${user.userId}`, { token: root, body })
const show = async (user: User) => (await house.ask('GET', `/api/v1/users/${user.userId}`, { token: root })).body
const patch = async ({ userId }: User, wanted: UserPatch) => {
  const changed = await patchUser(house.context, { actor: cli, userId, patch: wanted })
  if ('refused' in changed) throw new Error(changed.refused.detail)
}
const mintBy = (token: string, bot: User, scope = 'me') =>
  house.ask('POST', `/api/v1/users/${bot.userId}/tokens`, { token, body: { format: 'opaque', scope } })
const mint = async (bot: User, scope = 'me') => {
  const made = await mintBy(root, bot, scope)
  return made.status === 201 ? String(made.body['token']) : made
}
/** How a call of a bot is answered: 200, or 401 where its token holds no more. */
const asked = async (token: unknown, path = '/api/v1/me/session') =>
  (await house.ask('GET', path, { token: String(token) })).status

async function botOf(role: Role = 'editor') {
  const wrangler = await house.makeUser({ role })
  return { wrangler, bot: await house.makeUser({ bot: true, wrangler: wrangler.userId, role }) }
}

describe('a bot never stands above the person who answers for it', () => {
  test('nobody raises it above its wrangler', async () => {
    const { wrangler, bot } = await botOf()
    const answer = await change(bot, { role: 'admin' })
    expect(answer.status, answer.text).toBe(400)
    expect(answer.body).toMatchObject({ code: 'invalid_field', field: 'role' })
    await patch(wrangler, { role: 'admin' })
    expect((await change(bot, { role: 'admin' })).status).toBe(200)
  })

  test('when its wrangler goes down, its tokens end, and it goes down with him', async () => {
    const { wrangler, bot } = await botOf('admin')
    const token = await tokenOf(bot)
    expect(await asked(token, '/api/v1/users')).toBe(200)
    await patch(wrangler, { role: 'editor' })
    expect(await asked(token, '/api/v1/users')).toBe(401)
    expect(await show(bot)).toMatchObject({ role: 'editor', locked: false })
    expect(await mint(bot, 'admin')).toMatchObject({ status: 400, body: { field: 'scope' } })
    // Raised again he has his powers; what said that the bot had them says so no more.
    await patch(wrangler, { role: 'admin' })
    expect(await show(bot)).toMatchObject({ role: 'admin' })
    expect(await asked(token, '/api/v1/users')).toBe(401)
    expect(await asked(await mint(bot, 'admin'), '/api/v1/users')).toBe(200)
  })

  test('a higher role of its wrangler ends nothing of it, nor does what ends his own sessions alone', async () => {
    const { wrangler, bot } = await botOf()
    const token = await mint(bot)
    await patch(wrangler, { role: 'admin' })
    await patch(wrangler, { password: 'another fine long password' })
    expect(await asked(token)).toBe(200)
  })

  test('whoever stands below its own role mints nothing for it, though its wrangler is put down: he may rise again', async () => {
    const { wrangler, bot } = await botOf('superuser')
    await patch(wrangler, { role: 'admin' })
    expect(await show(bot)).toMatchObject({ role: 'admin' })
    const admin = await tokenOf(await house.makeUser({ role: 'admin' }))
    expect((await mintBy(admin, bot)).status).toBe(403)
    expect((await mintBy(root, bot)).status).toBe(201)
  })
})

describe('a bot whose wrangler is locked', () => {
  test('is locked: shown so, alone and in lists, and nothing is accepted or minted', async () => {
    const { wrangler, bot } = await botOf()
    const token = await mint(bot)
    expect(await asked(token)).toBe(200)
    await patch(wrangler, { locked: true })
    expect(await asked(token)).toBe(401)
    expect(await show(bot)).toMatchObject({ locked: true })
    const named = await house.ask('GET', '/api/v1/users', { token: root, query: `username=${bot.username}` })
    const all = await house.ask('GET', '/api/v1/users', { token: root, query: 'limit=100' })
    for (const { body } of [named, all])
      expect(body['items']).toContainEqual(expect.objectContaining({ user_id: bot.userId, locked: true }))
    expect((await change(bot, { full_name: 'Robot' })).body).toMatchObject({ locked: true })
    const refused = await mint(bot)
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(refused).toMatchObject({ text: expect.stringContaining('who answers for the bot is locked') as string })
  })

  test('nothing that ended comes back when he is unlocked', async () => {
    const { wrangler, bot } = await botOf()
    const token = await mint(bot)
    await patch(wrangler, { locked: true })
    await patch(wrangler, { locked: false })
    expect(await show(bot)).toMatchObject({ locked: false })
    expect(await asked(token)).toBe(401)
    const next = (await mintBy(root, bot)).body
    expect(await asked(next['token'])).toBe(200)
    const listed = await house.ask('GET', `/api/v1/users/${bot.userId}/tokens`, { token: root })
    expect(listed.body['items']).toMatchObject([{ grant_id: next['grant_id'] }])
  })

  test.each(['lock', 'delete'] as const)('L4: a %s of his in the middle of a mint comes before it', async (deed) => {
    const { wrangler, bot } = await botOf()
    const { transition } = house.context
    let done = false
    const store: typeof transition.store = {
      ...transition.store,
      commit: async (writes) => {
        if (!done) {
          done = true
          if (deed === 'lock') await patch(wrangler, { locked: true })
          else await deleteUser(house.context, { actor: cli, userId: wrangler.userId })
        }
        return transition.store.commit(writes)
      },
    }
    const context = { ...house.context, transition: { ...transition, store } }
    const made = await mintToken(context, { actor: cli, userId: bot.userId }, { format: 'opaque' })
    expect(made).toMatchObject({ refused: { code: 'conflict' } })
    expect(done).toBe(true)
  })
})

describe('another wrangler', () => {
  test('takes over a bot whose own is gone, and what he who is gone may have holds no more', async () => {
    const { wrangler, bot } = await botOf()
    const token = await mint(bot)
    await deleteUser(house.context, { actor: cli, userId: wrangler.userId })
    expect(await show(bot)).toMatchObject({ locked: true })
    expect(await mint(bot)).toMatchObject({ status: 409 })
    const heir = await house.makeUser()
    expect((await change(bot, { wrangler: heir.userId })).body).toMatchObject({
      wrangler: heir.userId,
      locked: false,
    })
    expect(await asked(token)).toBe(401)
    expect(await asked(await mint(bot))).toBe(200)
  })

  test('is none who is locked, nor a bot', async () => {
    const { bot } = await botOf()
    const locked = await house.makeUser()
    await patch(locked, { locked: true })
    for (const { userId } of [locked, bot]) {
      const answer = await change(bot, { wrangler: userId })
      expect([answer.status, answer.body['field']]).toEqual([400, 'wrangler'])
    }
  })

  test('the same one again changes nothing', async () => {
    const { wrangler, bot } = await botOf()
    const token = await mint(bot)
    expect((await change(bot, { wrangler: wrangler.userId })).status).toBe(200)
    expect(await asked(token)).toBe(200)
  })

  test('in the middle of a mint: whoever mints asks again', async () => {
    const { bot } = await botOf()
    const heir = await house.makeUser()
    const { transition } = house.context
    let reads = 0
    const store: typeof transition.store = {
      ...transition.store,
      read: async (refs) => {
        reads += 1
        if (reads === 2) await patch(bot, { wrangler: heir.userId })
        return transition.store.read(refs)
      },
    }
    const context = { ...house.context, transition: { ...transition, store } }
    const made = await mintToken(context, { actor: cli, userId: bot.userId }, { format: 'opaque' })
    expect(made).toMatchObject({ refused: { code: 'conflict' } })
  })
})
