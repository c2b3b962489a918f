import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { announce } from '../../src/domain/change.ts'
import { ref } from '../../src/domain/record.ts'
import type { OpenStore, StampedWrite } from '../../src/store/port.ts'
import { event, exists, start } from '../../src/store/suite/samples.ts'
import { openTestStore, temporaryFolder } from './subjects.ts'

let folder: ReturnType<typeof temporaryFolder>
let opened: OpenStore
let elsewhere: DatabaseSync
/** In milliseconds. */
let now = 0

beforeEach(async () => {
  folder = temporaryFolder()
  const path = join(folder.path, 'store.db')
  opened = await openTestStore(path, { clock: { monotonic: () => now } })
  elsewhere = new DatabaseSync(path)
})
afterEach(async () => {
  elsewhere.close()
  await opened.admin.close()
  folder.remove()
})

/** Another process's commit, over before this returns: no turn of our event loop passes. */
function commitElsewhere(id: string): void {
  elsewhere.prepare('INSERT INTO event (id, bucket, at, value) VALUES (?, ?, ?, ?)').run(id, 'b', start, '{}')
}

const sees = (id: string): Promise<boolean> => exists(opened.store, ref('event', id))
const turn = (): Promise<void> => new Promise(setImmediate)

describe('what reads of one turn share', () => {
  test('whoever arrives sees what another process committed before, however fresh the last look was', async () => {
    for (const id of ['e1', 'e2', 'e3', 'e4']) {
      await turn()
      const before = sees(id)
      commitElsewhere(id)
      opened.admin.arrival?.()
      const after = sees(id)
      expect(await before).toBe(false)
      expect(await after).toBe(true)
    }
  })

  test('those who arrived in one turn share a look for a millisecond, and the next turn looks anew', async () => {
    await turn()
    opened.admin.arrival?.()
    const first = sees('e1')
    commitElsewhere('e1')
    now += 0.9
    opened.admin.arrival?.()
    const second = sees('e1')
    expect([await first, await second]).toEqual([false, false])
    await turn()
    expect(await sees('e1')).toBe(true)
  })

  test('a turn that takes longer looks again', async () => {
    await turn()
    opened.admin.arrival?.()
    const first = sees('e1')
    commitElsewhere('e1')
    now += 1.1
    const second = sees('e1')
    expect([await first, await second]).toEqual([false, true])
  })

  test('a commit of this process ends it: who heard of it finds what it wrote', async () => {
    await turn()
    opened.admin.arrival?.()
    expect(await sees('e1')).toBe(false)
    const { cursor } = await opened.admin.changes(undefined)
    const told = { ...announce('change-1', ref('client', 'c1'), start), version: 'v1' } as StampedWrite
    await opened.store.commit([event('e1'), told])
    expect(await sees('e1')).toBe(true)
    expect(await opened.admin.changes(cursor)).toMatchObject({ forget: [ref('client', 'c1')] })
  })

  test('without an arrival a look serves for a moment only', async () => {
    await turn()
    expect(await sees('e1')).toBe(false)
    commitElsewhere('e1')
    now += 0.2
    expect(await sees('e1')).toBe(true)
  })
})
