import { afterAll, expect, test } from 'vitest'
import { openLocal } from '../../src/cli/local.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { cli, ioAt, workplace, type Said } from './bench.ts'

const place = workplace()
afterAll(place.remove)
const gatehouse = (...args: readonly string[]): Promise<Said> => cli(place.directory, args)

async function scopeChecks(): Promise<readonly unknown[]> {
  const checks = (await gatehouse('doctor', '--json')).json()['checks'] as readonly { readonly check: string }[]
  return checks.filter(({ check }) => check === 'scopes')
}

test('the doctor warns of an API that gives everybody what accounts are given one by one', async () => {
  expect((await gatehouse('store', 'migrate')).code).toBe(0)
  const resource = ['resource', 'create', 'https://api.example', '--scope', 'read curate']
  expect((await gatehouse(...resource)).code).toBe(0)
  expect((await gatehouse('user', 'create', 'ada', '--no-password')).code).toBe(0)
  expect(await scopeChecks()).toEqual([])
  expect((await gatehouse('user', 'set-scopes', 'ada', 'curate')).code).toBe(0)
  expect(await scopeChecks()).toEqual([
    {
      check: 'scopes',
      status: 'warn',
      detail: expect.stringContaining('https://api.example gives curate to everybody') as unknown,
    },
  ])
  expect((await gatehouse('resource', 'delete', 'https://api.example')).code).toBe(0)
  expect((await gatehouse(...resource, '--held-scopes', 'curate')).code).toBe(0)
  expect(await scopeChecks()).toEqual([])
})

test('what administers and what opens the vault is no scope of an account; one that has it still loads, and the doctor tells', async () => {
  const wrong = await gatehouse('user', 'set-scopes', 'ada', 'curate', 'admin')
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('admin means nothing') as unknown })
  expect((await gatehouse('user', 'create', 'grace', '--no-password')).code).toBe(0)
  for (const name of ['ada', 'grace']) await giveAsBefore(name, ['admin', 'vault', 'introspect'])
  expect((await gatehouse('user', 'show', 'ada', '--json')).json()).toMatchObject({
    scopes: ['admin', 'vault', 'introspect'],
  })
  const told = {
    check: 'scopes',
    status: 'warn',
    detail: expect.stringMatching(/^(?:ada|grace) and 1 more have scopes of administration/) as unknown,
  }
  expect(await scopeChecks()).toEqual([told])
  // Everything else about it can be changed, and it can be mended.
  for (const args of [
    ['rename', 'ada', 'lovelace'],
    ['set-scopes', 'lovelace', 'introspect'],
    ['set-scopes', 'grace'],
  ])
    expect((await gatehouse('user', ...args)).code, args.join(' ')).toBe(0)
  expect(await scopeChecks()).toEqual([])
})

/** As an administrator could before such scopes were refused. */
async function giveAsBefore(name: string, scopes: readonly string[]): Promise<void> {
  const { user_id: userId } = (await gatehouse('user', 'show', name, '--json')).json()
  const local = await openLocal(ioAt(place.directory), {})
  try {
    await transition(local.transition, { user: ref('user', String(userId)) }, ({ user }) => {
      if (user.value === undefined) throw new Error('no such user')
      return { writes: [put(user, { ...user.value, scopes: [...scopes] }, { expiresAt: null })], result: undefined }
    })
  } finally {
    await local.close()
  }
}
