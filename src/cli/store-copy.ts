import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseStoreAddress, printStoreAddress, type StoreAddress } from '../config/store-address.ts'
import { ref } from '../domain/record.ts'
import { copyStore, type CopyReport } from '../store/copy.ts'
import { openStore } from '../store/open.ts'
import { readAlive } from '../store/read-alive.ts'
import { CliFailure } from './failure.ts'
import { inStoreTime } from './in-store-time.ts'
import type { Io } from './io.ts'
import { textOption } from './options.ts'
import { verb } from './verb.ts'

/** Adds `gatehouse store copy`. */
export function registerStoreCopy(store: Command, io: Io): void {
  const command = store
    .command('copy')
    .description(
      'copy everything to another engine; may run while the old one is served, and again to bring it up to date',
    )
    .requiredOption('--from <url>', 'the store to read; nothing is written to it')
    .requiredOption('--to <url>', 'the store to write: an empty one, or what an earlier copy left')
  verb(command, io, async (_args, options) => {
    const from = addressOf(io, '--from', textOption(options, 'from') ?? '')
    const to = addressOf(io, '--to', textOption(options, 'to') ?? '')
    if (printStoreAddress(from) === printStoreAddress(to))
      throw new CliFailure('--from and --to name the same store', { exitCode: 2 })
    // Opening it would make one.
    if (from.adapter === 'sqlite' && !existsSync(from.path))
      throw new CliFailure(`there is no store at ${from.path}; check --from`)
    const report = await copyBetween(io, from, to)
    const different = report.kinds.filter(({ same }) => !same).map(({ kind }) => kind)
    return {
      json: { from: printStoreAddress(from), to: printStoreAddress(to), verified: different.length === 0, ...report },
      text: `${report.kinds.map(line).join('')}${report.written} written\n`,
      ...(different.length > 0 && {
        failure: `${different.join(', ')} changed while it was copied: stop whoever serves ${printStoreAddress(from)} and run the same command again`,
      }),
    }
  })
}

async function copyBetween(io: Io, from: StoreAddress, to: StoreAddress): Promise<CopyReport> {
  const { clock, random } = io.system
  const common = {
    clock,
    random,
    onFatal(reason: Error) {
      throw reason
    },
  }
  const source = await openStore(from, { ...common, create: false })
  try {
    const target = await openStore(to, common)
    try {
      const instance = await readAlive(source.store, ref('instance', 'self'), clock.seconds())
      const store = inStoreTime(target.store, clock, instance)
      return await copyStore(source, { ...target, store }, { store, clock, random })
    } finally {
      await target.admin.close()
    }
  } finally {
    await source.admin.close()
  }
}

function addressOf(io: Io, flag: string, text: string): StoreAddress {
  const result = parseStoreAddress(text, (path) => resolve(io.workingDirectory, path))
  if ('problem' in result) throw new CliFailure(`${flag} ${result.problem}`, { exitCode: 2 })
  if (result.address.adapter === 'memory')
    throw new CliFailure(`${flag} memory: lives inside its server`, { exitCode: 2 })
  return result.address
}

const line = ({ kind, records, checksum, same }: CopyReport['kinds'][number]): string =>
  `${kind.padEnd(12)} ${String(records).padStart(9)}  ${same ? checksum.slice(0, 16) : 'differs'}\n`
