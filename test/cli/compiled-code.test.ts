import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let home: string
beforeAll(() => void (home = mkdtempSync(join(tmpdir(), 'gatehouse-home-'))))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** In a process of its own: a process can keep its code in one place only. */
function keptIn(place: string): string {
  const file = new URL('../../src/cli/compiled-code.ts', import.meta.url).href
  const script = `const { keepCompiledCode } = await import('${file}'); console.log(String(keepCompiledCode(process.argv[1])))`
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  return execFileSync(process.execPath, ['--input-type=module', '-e', script, place], { encoding: 'utf8', env }).trim()
}

test('compiled code is kept where nobody else can read or write', () => {
  const kept = keptIn(home)
  expect(kept.startsWith(join(home, '.cache', 'gatehouse', 'compiled'))).toBe(true)
  expect(statSync(join(home, '.cache', 'gatehouse')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(home, '.cache', 'gatehouse', 'compiled'))).not.toEqual([])
})

test.each(['gatehouse', 'gatehouse/compiled'])('not where others could put code for us to run: %s', (open) => {
  const place = join(home, open.replace('/', '-'))
  mkdirSync(join(place, '.cache', 'gatehouse', 'compiled'), { recursive: true, mode: 0o700 })
  chmodSync(join(place, '.cache', open), 0o770)
  expect(keptIn(place)).toBe('undefined')
})

test.each([
  ['who may put another directory in its place', 'shared', 0o777],
  ['who may put another cache in its place', 'shared/home', 0o770],
])('nor under a directory of somebody %s', (_, open, mode) => {
  const place = join(home, `under-${open.replace('/', '-')}`)
  mkdirSync(join(place, 'shared', 'home', '.cache'), { recursive: true, mode: 0o700 })
  chmodSync(join(place, open), mode)
  expect(keptIn(join(place, 'shared', 'home'))).toBe('undefined')
  chmodSync(join(place, open), 0o1777)
  expect(keptIn(join(place, 'shared', 'home'))).not.toBe('undefined')
})

test('nor behind a link that somebody may turn elsewhere: where it leads to is what counts', () => {
  const place = join(home, 'linked')
  mkdirSync(join(place, 'open', 'home'), { recursive: true, mode: 0o700 })
  chmodSync(join(place, 'open'), 0o777)
  symlinkSync(join(place, 'open', 'home'), join(place, 'home'))
  expect(keptIn(join(place, 'home'))).toBe('undefined')
})

test('a home that cannot be written to is no reason not to start', () => {
  const place = join(home, 'file')
  writeFileSync(place, '')
  expect(keptIn(place)).toBe('undefined')
})
