import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/create-user.ts'
import { factorsRef } from '../../src/accounts/find-factors.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { openLocal, type Local } from '../../src/cli/local.ts'
import { create } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { commitNew } from '../../src/store/transition.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { cli, ioAt, workplace, type Said } from './bench.ts'

const place = workplace()
afterAll(place.remove)
writeFileSync(
  join(place.directory, 'gatehouse.yaml'),
  `providers: [{ name: github, preset: github, client_id: ours, client_secret: { env: GITHUB_SECRET } }]`,
)
const environment = { GITHUB_SECRET: 'p4mW8xT1qL6vR0zN3kB7yC2sJ5hG9dF-eUaOiQwXtY0' }
const stdin = 'a kingfisher over 7 canals\n'
const gatehouse = (...args: readonly string[]): Promise<Said> =>
  cli(place.directory, [...args, '--config', 'gatehouse.yaml'], { environment, stdin })

async function people(): Promise<unknown> {
  const { checks } = (await gatehouse('doctor', '--json')).json() as { readonly checks: readonly { check: string }[] }
  return checks.find(({ check }) => check === 'people')
}

const somebody = { check: 'people', status: 'ok' }
const nobody = { check: 'people', status: 'warn', detail: expect.stringContaining('nobody can sign in as superuser') }

async function inStore(change: (local: Local) => Promise<unknown>): Promise<void> {
  const local = await openLocal(ioAt(place.directory, { environment }), { config: 'gatehouse.yaml' })
  try {
    await change(local)
  } finally {
    await local.close()
  }
}

async function makeUser(local: Local, username: string): Promise<User> {
  const made = await createUser(local, { kind: 'cli' }, { username })
  if (!('done' in made)) throw new Error(JSON.stringify(made))
  return made.done
}

test('doctor asks whether the person of a superuser has a way in, not whether there is one', async () => {
  expect((await gatehouse('store', 'migrate')).code).toBe(0)
  expect((await gatehouse('user', 'create', 'ada', '--role', 'superuser', '--password-stdin')).code).toBe(0)
  expect(await people()).toMatchObject(somebody)
  expect((await gatehouse('user', 'lock', 'ada')).code).toBe(0)
  expect(await people()).toMatchObject(nobody)

  expect((await gatehouse('user', 'create', 'bob', '--role', 'superuser', '--no-password')).code).toBe(0)
  expect(await people()).toMatchObject(nobody)
  expect((await gatehouse('user', 'link', 'bob', 'github', '--subject', '583231')).code).toBe(0)
  expect(await people()).toMatchObject(somebody)
  await inStore((core) => becomeBot({ core, makeUser: (name) => makeUser(core, name) }, 'bob'))
  expect(await people()).toMatchObject(nobody)

  expect((await gatehouse('user', 'create', 'cay', '--role', 'superuser', '--no-password')).code).toBe(0)
  const passkey = { id: 'AQ', publicKey: 'pQ', counter: 0, synced: false, name: 'phone', createdAt: 1 }
  await inStore(async (local) => {
    const { userId = '' } = (await findUserNamed(local, 'cay')) ?? {}
    const factors = { v: 1, recoveryHashes: [], passkeys: [passkey] } as const
    await commitNew(local.transition, [create(factorsRef(userId), factors, { expiresAt: null, owners: [userId] })])
  })
  expect(await people()).toMatchObject(somebody)
})
