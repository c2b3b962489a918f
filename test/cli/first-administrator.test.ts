import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { makeFirstAdministrator } from '../../src/cli/first-administrator.ts'
import { openHouse } from '../accounts/house.ts'
import { configOf } from '../config/load.ts'
import { workplace } from './bench.ts'

const { directory, remove } = workplace()
afterAll(remove)

test('with an issuer that is not loopback the password is in its file before the account exists, and nowhere else', async () => {
  const house = await openHouse()
  const config = configOf({ flags: { issuer: 'https://login.example', data: join(directory, 'one') } })
  const hashed: boolean[] = []
  const watching = {
    ...house,
    passwords: {
      hash: async (password: string) => {
        const files = readdirSync(config.dataDirectory).map((name) =>
          readFileSync(join(config.dataDirectory, name), 'utf8'),
        )
        hashed.push(files.includes(`${password}\n`))
        return house.passwords.hash(password)
      },
    },
  }
  const first = await makeFirstAdministrator(watching, config)
  expect(hashed).toEqual([true])
  expect(first).toEqual({ is: 'first', passwordFile: join(config.dataDirectory, 'admin-password') })
  expect(readdirSync(config.dataDirectory)).toEqual(['admin-password'])
  const kept = readFileSync(join(config.dataDirectory, 'admin-password'), 'utf8').trim()
  expect((await findUserNamed(house, 'admin'))?.passwordHash).toBe(`hash of ${kept}`)
})

test('whoever comes second leaves no file behind', async () => {
  const house = await openHouse()
  const config = configOf({ flags: { issuer: 'https://login.example', data: join(directory, 'two') } })
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => makeFirstAdministrator(house, config)))
  expect(outcomes.filter(({ is }) => is === 'first')).toHaveLength(1)
  expect(readdirSync(config.dataDirectory)).toEqual(['admin-password'])
})
