import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cli, workplace } from './bench.ts'

const place = workplace()
afterAll(() => place.remove())
const at = (...args: readonly string[]) => cli(place.directory, args)

test('store backup writes over no file, and store restore makes no key of its own', async () => {
  expect((await at('store', 'migrate')).code).toBe(0)
  writeFileSync(join(place.directory, 'taken'), 'mine')
  expect(await at('store', 'backup', 'taken')).toMatchObject({
    code: 1,
    err: expect.stringContaining('is there already'),
  })
  expect(readFileSync(join(place.directory, 'taken'), 'utf8')).toBe('mine')

  expect((await at('store', 'backup', 'backup')).code).toBe(0)
  const lost = join(place.directory, 'elsewhere', 'gatehouse.key')
  const restored = await at('store', 'restore', 'backup', '--data', join(place.directory, 'elsewhere'))
  expect(restored).toMatchObject({ code: 1, err: expect.stringContaining(`the key file ${lost} is missing`) })
  expect(existsSync(lost)).toBe(false)
  rmSync(join(place.directory, 'backup'))
})
