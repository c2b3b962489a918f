import { afterAll, expect, test } from 'vitest'
import { openLocal } from '../../src/cli/local.ts'
import { create, put, ref } from '../../src/domain/record.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { cli, ioAt, workplace } from './bench.ts'

const place = workplace()
afterAll(place.remove)

test('FLT-18: a clock that is ahead of who serves the store deletes nothing that they still need', async () => {
  expect((await cli(place.directory, ['store', 'migrate'])).code).toBe(0)
  const local = await openLocal(ioAt(place.directory), {})
  const self = ref('instance', 'self')
  const servedAt = (seconds: number): Promise<void> =>
    transition(local.transition, { self }, ({ self: slot }) => ({
      writes: slot.value === undefined ? [] : [put(slot, { ...slot.value, highWaterAt: seconds }, { expiresAt: null })],
      result: undefined,
    }))
  try {
    // Seen from the servers, an hour ago by this clock, it holds for half an hour yet.
    const now = local.clock.seconds()
    const revoked = create(ref('revoked', 'a'), { v: 1, at: now - 3_700 }, { owners: [], expiresAt: now - 1_800 })
    await commitNew(local.transition, [revoked])
    await servedAt(now - 3_600)
    expect((await cli(place.directory, ['store', 'sweep', '--json'])).json()).toEqual({ deleted: 0 })
    await servedAt(now)
    expect((await cli(place.directory, ['store', 'sweep', '--json'])).json()).toEqual({ deleted: 1 })
  } finally {
    await local.close()
  }
})
