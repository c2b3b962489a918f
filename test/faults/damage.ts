import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreRefused } from '../../src/store/refused.ts'
import { event, holderOf, putLease } from '../../src/store/suite/samples.ts'
import { openTestStore, temporaryFolder } from '../store/subjects.ts'
import { createDice, type Dice } from './ledger/dice.ts'

export type Damaged = {
  readonly violations: readonly string[]
  /** What became of how many files: `refused` at the start, `unreadable` in part, `right` in every answer. */
  readonly seen: Readonly<Record<'refused' | 'unreadable' | 'right', number>>
  /** `right done`: answers that were as written; `unreadable unknown`: those that were refused or missing. */
  readonly answers: ReadonlyMap<string, number>
  /** Each start on a damaged file, with its quick check. */
  readonly readyMillis: readonly number[]
}

const pageBytes = 4096
const records = 60
const written = 'x'.repeat(500)

/**
 * FLT-07: a closed store's file is damaged in one place: a bit, a page, a byte of the header, or its end is gone. Either that is
 * refused at the start or at the read, or no answer changes; what is lost without a word, `verify` finds.
 */
export async function damageFile(options: {
  readonly rounds: number
  readonly firstRound?: number
  readonly seed: number
}): Promise<Damaged> {
  const { rounds, firstRound = 0, seed } = options
  const folder = temporaryFolder()
  const path = join(folder.path, 'store.db')
  const violations: string[] = []
  const seen = { refused: 0, unreadable: 0, right: 0 }
  const answers = { right: 0, odd: 0 }
  const readyMillis: number[] = []
  try {
    const filling = await openTestStore(path)
    for (let index = 0; index < records; index += 1)
      await filling.store.commit([
        putLease(`id-${index}`, written, `v${index}`, { owners: ['o'] }),
        event(`e-${index}`),
      ])
    await filling.admin.close()
    const sound = readFileSync(path)
    for (let round = firstRound; round < firstRound + rounds; round += 1) {
      const { what, bytes } = damaged(sound, createDice('damage', seed, round))
      writeFileSync(path, bytes)
      const began = performance.now()
      const opened = await openTestStore(path, { onFatal: () => undefined }).catch((error: unknown) => error)
      readyMillis.push(performance.now() - began)
      if (opened instanceof Error) {
        if (!(opened instanceof StoreRefused)) violations.push(`round ${round}, ${what}: ${String(opened)}`)
        seen.refused += 1
        continue
      }
      // What isn't an error is the store.
      const { store, admin } = opened as Awaited<ReturnType<typeof openTestStore>>
      const held = await Promise.all(
        Array.from({ length: records }, (_, index) => holderOf(store, `id-${index}`).catch(() => 'unreadable')),
      )
      const odd = held.filter((holder) => holder !== written)
      for (const holder of odd)
        if (holder !== undefined && holder !== 'unreadable')
          violations.push(`round ${round}, ${what}: an answer changed: ${holder.slice(0, 80)}`)
      if (odd.length > 0 && (await admin.verify().catch(String)).length === 0)
        violations.push(
          `round ${round}, ${what}: ${odd.length} records are lost or unreadable, and verify finds nothing`,
        )
      seen[odd.length > 0 ? 'unreadable' : 'right'] += 1
      answers.odd += odd.length
      answers.right += records - odd.length
      await admin.close()
    }
  } finally {
    folder.remove()
  }
  return {
    violations,
    seen,
    answers: new Map([
      ['right done', answers.right],
      ['unreadable unknown', answers.odd],
    ]),
    readyMillis: readyMillis.toSorted((a, b) => a - b),
  }
}

function damaged(sound: Buffer, dice: Dice): { readonly what: string; readonly bytes: Buffer } {
  const bytes = Buffer.from(sound)
  const kind = dice.fraction()
  if (kind < 0.1) {
    const length = dice.below(bytes.length)
    return { what: `cut at ${length}`, bytes: bytes.subarray(0, length) }
  }
  if (kind < 0.2) {
    const page = dice.below(bytes.length / pageBytes)
    bytes.fill(dice.below(256), page * pageBytes, (page + 1) * pageBytes)
    return { what: `page ${page}`, bytes }
  }
  // The header of the file is 100 bytes.
  const at = kind < 0.3 ? dice.below(100) : dice.below(bytes.length)
  const bit = dice.below(8)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
  return { what: `bit ${bit} of byte ${at}`, bytes }
}

export function printDamage({ violations, seen }: Damaged): string {
  const rounds = seen.refused + seen.unreadable + seen.right
  return [
    `FLT-07: n = ${rounds}, violations = ${violations.length}`,
    `refused at the start: ${seen.refused}, unreadable in part: ${seen.unreadable}, every answer right: ${seen.right}`,
    ...violations.slice(0, 20),
  ].join('\n')
}
