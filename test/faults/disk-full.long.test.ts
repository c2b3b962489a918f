import { expect, test } from 'vitest'
import { fillDisk, NoDisk, type Filled } from './disk-full.ts'
import { printStruck } from './strike-store.ts'

const rounds = 20

test(`FLT-03: the disk fills up ${rounds} times; writes are refused, reads go on, and it heals by itself`, async (context) => {
  let filled: Filled
  try {
    filled = await fillDisk({ rounds, seed: 3 })
  } catch (error) {
    if (error instanceof NoDisk) return context.skip(error.message)
    throw error
  }
  console.log(`${printStruck('FLT-03', rounds, filled)}\n${filled.refused} writes refused`)
  expect(filled.violations).toEqual([])
  expect(filled.refused).toBeGreaterThan(rounds)
  expect(filled.readyMillis.length).toBe(rounds - rounds / 5)
})
