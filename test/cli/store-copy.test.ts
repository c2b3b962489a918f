import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openLocal } from '../../src/cli/local.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { cli, ioAt, workplace } from './bench.ts'

const place = workplace()
afterAll(() => place.remove())
const at = (...args: readonly string[]) => cli(place.directory, args)

// FLT-18: as any command that writes.
test('store copy writes nothing where the clock stands further behind the store than time goes on by itself', async () => {
  expect((await at('store', 'migrate')).code).toBe(0)
  const local = await openLocal(ioAt(place.directory), {})
  const self = ref('instance', 'self')
  const raise = (seconds: number): Promise<void> =>
    transition(local.transition, { self }, ({ self: slot }, now) => ({
      writes:
        slot.value === undefined ? [] : [put(slot, { ...slot.value, highWaterAt: now + seconds }, { expiresAt: null })],
      result: undefined,
    }))
  const copy = () =>
    at('store', 'copy', '--from', `sqlite:${join(place.directory, 'data/gatehouse.db')}`, '--to', 'sqlite:new.db')

  await raise(2 * 86_400)
  expect(await copy()).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^gatehouse: the clock stands 17\d+ seconds before .*; set it right first\n$/),
  })
  expect((await at('store', 'copy', '--from', 'sqlite:new.db', '--to', 'sqlite:third.db')).err).toMatch(/never served/)
  await raise(3_600)
  expect(await copy()).toMatchObject({ code: 0, err: '' })
  await local.close()
})

test.each([
  ['one store twice', 'sqlite:a.db', 'sqlite:a.db', 'name the same store'],
  ['an address that is none', 'a.db', 'sqlite:b.db', '--from '],
  ['what no other process can open', 'sqlite:a.db', 'memory:', '--to memory: lives inside its server'],
])('store copy: %s is wrong usage (CONTRACT, commands)', async (_wrong, from, to, says) => {
  const { code, err } = await at('store', 'copy', '--from', from, '--to', to)
  expect([code, err]).toEqual([2, expect.stringContaining(says)])
})

test('store copy makes no file where there is nothing to copy', async () => {
  const missing = join(place.directory, 'no-such-folder', 'gatehouse.db')
  const { code, err } = await at('store', 'copy', '--from', `sqlite:${missing}`, '--to', 'sqlite:never.db')
  expect([code, err]).toEqual([1, expect.stringContaining(`there is no store at ${missing}`)])
  expect([missing, join(place.directory, 'never.db')].filter((path) => existsSync(path))).toEqual([])
})
