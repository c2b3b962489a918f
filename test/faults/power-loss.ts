import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kill, type Fault } from './ledger/campaign.ts'
import type { Dice } from './ledger/dice.ts'
import { compileShim } from './shim/compile.ts'

const names = ['gatehouse.db', 'gatehouse.db-wal'] as const
const recordHeader = 12
const cut = 0xffff_ffff
const sector = 512

/** Something that was written and not synced: bytes at a place, or the file cut short there. */
type Pending = { readonly offset: number; readonly bytes: Buffer | undefined }

/**
 * Pulls the plug: what was not synced is gone, or there in part. A disk writes what it was given in any order and in sectors,
 * so each unsynced write is there, isn't, or is there up to one of them. `kill -9` alone would leave all of it.
 */
export function powerLoss(folder: string): Fault {
  const beside = mkdtempSync(join(folder, 'synced-'))
  mkdirSync(beside, { recursive: true })
  return {
    losesAnswers: true,
    environment: { LD_PRELOAD: compileShim('power-loss', folder), POWER_LOSS_FOLDER: beside },
    beforeStart: (dataDirectory) => {
      for (const name of names) {
        const file = join(dataDirectory, name)
        if (existsSync(file)) copyFileSync(file, join(beside, name))
        else writeFileSync(join(beside, name), '')
        writeFileSync(join(beside, `${name}.pending`), '')
      }
    },
    strike: async (server, blast) => {
      const { dataDirectory, dice } = blast
      await kill.strike(server, blast)
      for (const name of names) writeFileSync(join(dataDirectory, name), afterPowerLoss(join(beside, name), dice))
      // Memory of the processes that used it: no disk ever had it.
      rmSync(join(dataDirectory, 'gatehouse.db-shm'), { force: true })
    },
  }
}

function afterPowerLoss(file: string, dice: Dice): Buffer {
  const synced = readFileSync(file)
  const pending = readPending(`${file}.pending`)
  switch (dice.pick(['none', 'none', 'first', 'some', 'torn'] as const)) {
    case 'none':
      return synced
    case 'first':
      return pending.slice(0, dice.below(pending.length + 1)).reduce(applied, synced)
    case 'some':
      return pending.filter(() => dice.chance(0.5)).reduce(applied, synced)
    case 'torn':
      return pending.map((write) => torn(write, dice)).reduce(applied, synced)
  }
}

function readPending(file: string): readonly Pending[] {
  const records = readFileSync(file)
  const pending: Pending[] = []
  for (let at = 0; at + recordHeader <= records.length;) {
    const offset = Number(records.readBigUInt64LE(at))
    const length = records.readUInt32LE(at + 8)
    at += recordHeader
    if (length !== cut && at + length > records.length) break
    pending.push({ offset, bytes: length === cut ? undefined : records.subarray(at, at + length) })
    if (length !== cut) at += length
  }
  return pending
}

function torn({ offset, bytes }: Pending, dice: Dice): Pending {
  if (bytes === undefined) return { offset, bytes }
  return { offset, bytes: bytes.subarray(0, sector * dice.below(Math.ceil(bytes.length / sector) + 1)) }
}

function applied(file: Buffer, { offset, bytes }: Pending): Buffer {
  if (bytes === undefined)
    return Buffer.concat([file, Buffer.alloc(Math.max(0, offset - file.length))]).subarray(0, offset)
  const grown = Buffer.alloc(Math.max(file.length, offset + bytes.length))
  file.copy(grown)
  bytes.copy(grown, offset)
  return grown
}
