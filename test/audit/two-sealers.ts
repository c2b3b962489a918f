import { expect } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { openChronicle } from './chain.ts'

const open = (address: string): Promise<OpenStore> =>
  openStore(address, {
    clock: { monotonic: () => performance.now() },
    random: createRandom(),
    onFatal: (reason) => {
      throw reason
    },
  })

/** INV9: two nodes seal at once, each event once, and the store proves itself. */
export async function proveTwoSealers(address: string): Promise<void> {
  const [opened, beside] = [await open(address), await open(address)]
  const from = Math.floor(Date.now() / 1000) - 3 * 86_400
  const one = await openChronicle(opened, from)
  await one.happen(700)
  one.advance(9 * 3600)
  const two = await openChronicle(beside, from + 86_400)
  // Both take it that the other is silent: only the fence is left between them.
  const turns = await Promise.all(
    Array.from({ length: 6 }, (_none, turn) => (turn % 2 === 0 ? one : two).sealAll(`node ${turn}`)),
  )
  expect(turns.reduce((sum, sealed) => sum + sealed, 0)).toBeGreaterThan(1)
  one.advance(86_400)
  await one.sealAll()
  expect(await one.verify()).toMatchObject({ bad: 0, events: 701, unsealed: 0, late: 0 })
  await opened.admin.close()
  await beside.admin.close()
}
