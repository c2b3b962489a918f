import { beforeEach, describe, expect, test } from 'vitest'
import { deleteClient } from '../../src/accounts/change-client.ts'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { findClient } from '../../src/accounts/find-client.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { firstStart } from '../../src/accounts/first-start.ts'
import { generatePassword } from '../../src/accounts/generate-password.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { printClientMetadata } from '../../src/protocol/client-metadata.ts'
import { cli, done, makeUser, openHouse, type House } from './house.ts'

let house: House
beforeEach(async () => {
  house = await openHouse()
})
const start = (adminPassword?: string) => firstStart(house, { adminPassword })

describe('the first start', () => {
  test('M08 first-admin: makes the superuser admin with a password that is told once', async () => {
    const first = await start()
    expect(first).toEqual({
      is: 'first',
      password: expect.stringMatching(/^(?:[a-z2-9]{4}-){4}[a-z2-9]{4}$/) as string,
    })
    expect(await findUserNamed(house, 'admin')).toMatchObject({
      role: 'superuser',
      passwordHash: `hash of ${'password' in first ? first.password : ''}`,
    })
    expect(await start()).toEqual({ is: 'later' })
  })

  test('makes the client loopback: public, by password, from this machine alone', async () => {
    await start()
    const client = await findClient(house, 'loopback')
    expect(client && printClientMetadata(client)).toMatchObject({
      token_endpoint_auth_method: 'none',
      grant_types: ['password', 'refresh_token'],
      legacy: ['password'],
      loopback_only: true,
      redirect_uris: [],
      scope: 'openid profile email offline_access me admin admin:read vault introspect accounts:provision',
    })
  })

  test('of several that start together one makes the account and tells the password', async () => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => start()))
    expect(outcomes.filter((outcome) => outcome.is === 'first')).toHaveLength(1)
    const [winner] = outcomes.filter((outcome) => outcome.is === 'first')
    expect((await findUserNamed(house, 'admin'))?.passwordHash).toBe(`hash of ${winner?.password}`)
  })

  test('somebody who was faster on the command line is enough', async () => {
    const first = await firstStart(house, {
      adminPassword: undefined,
      keep: async () => {
        await makeUser(house, { username: 'ada', role: 'superuser' })
        await start()
      },
    })
    expect(first).toEqual({ is: 'later' })
    expect(await findUserNamed(house, 'admin')).toBeUndefined()
  })

  test('a password is kept before it counts', async () => {
    const kept: string[] = []
    const first = await firstStart(house, {
      adminPassword: undefined,
      keep: async (password) => {
        expect(await findUserNamed(house, 'admin')).toBeUndefined()
        kept.push(password)
      },
    })
    expect(first).toEqual({ is: 'first', password: kept[0] })
  })
})

describe('GATEHOUSE_ADMIN_PASSWORD', () => {
  test('is taken in place of a generated one, and never told', async () => {
    expect(await start('a fine long password')).toEqual({ is: 'first' })
    expect((await findUserNamed(house, 'admin'))?.passwordHash).toBe('hash of a fine long password')
  })

  test('must meet the policy, or nothing is made', async () => {
    expect(await start('guess me if you can')).toEqual({
      is: 'refused',
      problem:
        "GATEHOUSE_ADMIN_PASSWORD can't be used: the password is too easy to guess; choose a few words that do not belong together",
    })
    expect(await findUserNamed(house, 'admin')).toBeUndefined()
    expect(await findClient(house, 'loopback')).toBeUndefined()
  })

  test('changes nothing while there is an administrator, however weak it is', async () => {
    await start('a fine long password')
    expect(await start('guess')).toEqual({ is: 'later' })
    expect((await findUserNamed(house, 'admin'))?.passwordHash).toBe('hash of a fine long password')
  })

  test('makes an administrator again where none is left', async () => {
    await start()
    done(await deleteUser(house, { actor: cli, userId: (await findUserNamed(house, 'admin'))?.userId ?? '' }))
    expect(await start('a fine long password')).toEqual({ is: 'first' })
  })
})

describe('what was taken away on purpose stays away', () => {
  test('a deleted admin does not come back by himself', async () => {
    await start()
    done(await deleteUser(house, { actor: cli, userId: (await findUserNamed(house, 'admin'))?.userId ?? '' }))
    expect(await start()).toEqual({ is: 'later' })
    expect(await findUserNamed(house, 'admin')).toBeUndefined()
  })

  test('nor does a deleted loopback, not even with a new administrator', async () => {
    await start()
    done(await deleteClient(house, { actor: cli, clientId: 'loopback' }))
    done(await deleteUser(house, { actor: cli, userId: (await findUserNamed(house, 'admin'))?.userId ?? '' }))
    expect(await start('a fine long password')).toEqual({ is: 'first' })
    expect(await findClient(house, 'loopback')).toBeUndefined()
  })
})

test('an administrator who was made on the command line before is enough', async () => {
  await makeUser(house, { username: 'ada', role: 'admin' })
  expect(await start()).toEqual({ is: 'later' })
  expect(await findUserNamed(house, 'admin')).toBeUndefined()
  expect(await findClient(house, 'loopback')).toBeDefined()
})

test('generated passwords use every letter equally and never repeat', () => {
  const random = createRandom()
  const made = Array.from({ length: 500 }, () => generatePassword(random))
  expect(new Set(made).size).toBe(500)
  expect(new Set(made.join('').replaceAll('-', '')).size).toBe(32)
})
