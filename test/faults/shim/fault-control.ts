import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { compileShim } from './compile.ts'

/** Calls that `fault-injection.c` counts. */
export const calls = { write: 1, sync: 2, read: 4, truncate: 8, open: 16 } as const

export type Breakage = {
  readonly calls: number
  /** `short`: half of it is written, and no error told. */
  readonly error: 'EIO' | 'ENOSPC' | 'short'
  /** Every call from the n-th on fails, until disarmed. */
  readonly persistent?: boolean
}

/** The disk of a running server, breakable from outside. */
export type FaultyDisk = {
  /** For the server's process. */
  readonly environment: Readonly<Record<string, string>>
  /** From now on the n-th call fails. */
  readonly arm: (breakage: Breakage, n: number) => void
  /** Everything works again. Returns how many calls failed. */
  readonly disarm: () => number
}

const words = 6

export function faultyDisk(folder: string): FaultyDisk {
  const control = join(folder, 'fault-control')
  writeFileSync(control, Buffer.alloc(4 * words))
  const file = (): number => openSync(control, 'r+')
  const write = (values: readonly number[]): void => {
    const opened = file()
    writeSync(opened, Buffer.from(Uint32Array.from(values).buffer), 0, 4 * words, 0)
    closeSync(opened)
  }
  return {
    environment: { LD_PRELOAD: compileShim('fault-injection', folder), FAULT_CONTROL: control },
    arm: ({ calls: kinds, error, persistent = false }, n) =>
      write([kinds, n, error === 'short' ? 0 : constants.errno[error], Number(persistent), 0, 0]),
    disarm: () => {
      const opened = file()
      const values = Buffer.alloc(4 * words)
      readSync(opened, values, 0, values.length, 0)
      closeSync(opened)
      write([0, 0, 0, 0, 0, 0])
      return values.readUInt32LE(4 * (words - 1))
    },
  }
}
