import { afterAll, expect, test } from 'vitest'
import { cli, workplace, type Said } from './bench.ts'

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
