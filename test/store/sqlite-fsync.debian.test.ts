import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ref } from '../../src/domain/record.ts'
import { exists } from '../../src/store/suite/samples.ts'
import { openTestStore, temporaryFolder } from './subjects.ts'

let folder: ReturnType<typeof temporaryFolder>
let shim: string
beforeAll(() => {
  folder = temporaryFolder()
  shim = join(folder.path, 'failing-fsync.so')
  execFileSync('cc', [
    '-shared',
    '-fPIC',
    '-o',
    shim,
    fileURLToPath(new URL('failing-fsync.c', import.meta.url)),
    '-ldl',
  ])
})
afterAll(() => folder.remove())

describe('FLT-05: a failed fsync of the log', () => {
  test.each([1, 2, 7, 20])(
    'number %d: nothing is acknowledged any more, nothing synced again, the process ends in failure',
    async (failAt) => {
      const path = join(folder.path, `fail-at-${failAt}.db`)
      const run = spawnSync(process.execPath, [fileURLToPath(new URL('doomed.ts', import.meta.url)), path], {
        encoding: 'utf8',
        env: { ...process.env, LD_PRELOAD: shim, FAIL_AT: String(failAt) },
        timeout: 20_000,
      })
      const told = run.stdout.trim().split('\n')
      const syncs = run.stderr.split('\n').filter((line) => line.startsWith('sync'))
      expect(syncs.at(-1)).toBe(`sync ${failAt} failed`)
      expect(run.status).toBe(70)
      expect(told.filter((line) => line.startsWith('fatal'))).toHaveLength(1)

      const committed = told.filter((line) => line.startsWith('committed'))
      // The first syncs belong to the making of the file and its log.
      expect(committed.length).toBeLessThan(failAt)
      const [unknown, ...others] = told.slice(committed.length).filter((line) => !line.startsWith('fatal'))
      expect(unknown).toBe(`unknown e-${committed.length + 1}`)
      expect(others.length).toBeGreaterThan(0)
      expect(others.every((line) => line.startsWith('none'))).toBe(true)

      const { store, admin } = await openTestStore(path)
      for (const line of committed) expect(await exists(store, ref('event', line.split(' ')[1] ?? ''))).toBe(true)
      for (const line of others) expect(await exists(store, ref('event', line.split(' ')[1] ?? ''))).toBe(false)
      expect(await admin.verify()).toEqual([])
      await admin.close()
    },
  )
})
