import type { Command } from 'commander'
import { createReadStream, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { leaveToOthers } from '../audit/post.ts'
import { openProtection, type Protection } from '../keys/protection.ts'
import { readBackup, readHead, writeBackup, type BackupHead, type Sealer } from '../store/backup.ts'
import { restoreStore } from '../store/restore.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { keyFileOf } from './local-protection.ts'
import { localVerb } from './local-verb.ts'
import type { Local } from './local.ts'
import { writeLines } from './write-lines.ts'

/** Adds `gatehouse store backup` and `restore`. */
export function registerStoreBackup(store: Command, io: Io): void {
  localVerb(
    store
      .command('backup')
      .description('write everything to a file, as of one moment and sealed, while the server runs')
      .argument('<file>', 'a file that is not there yet'),
    { io },
    async (local, [name = '']) => {
      const file = resolve(io.workingDirectory, name)
      if (existsSync(file)) throw new CliFailure(`${file} is there already; name another file`)
      const backupId = local.random.id(local.clock.millis())
      const sealer = sealerOf(await local.protection())
      const lines = writeBackup(local, { sealer, backupId, now: local.clock.seconds() })
      const { records } = await writeLines(file, lines)
      return {
        json: { file, backup_id: backupId, records },
        text: `${records} records in ${file}; it opens only with ${keyName(local)}, so keep a copy of that too, elsewhere\n`,
      }
    },
  )

  localVerb(
    store
      .command('restore')
      .description(
        'fill an empty store from a backup; whatever was issued before it counts no more, people sign in again',
      )
      .argument('<file>', 'what store backup wrote'),
    { io, create: true, changes: true },
    async (local, [name = '']) => {
      const file = resolve(io.workingDirectory, name)
      const head = await headOf(file)
      const sealer = sealerOf(await protectionFor(local, head))
      const { clock, random } = local
      const begunAt = clock.millis()
      const filling = { ...local.transition, store: local.bare }
      const done = await restoreStore(
        { ...local, store: local.bare },
        { head, records: () => readBackup(head, linesAfterHead(file), sealer) },
        {
          ...filling,
          at: { now: clock.seconds(), millis: clock.millis() },
          eventId: random.id(clock.millis()),
        },
      )
      if (local.config.audit !== undefined) await leaveToOthers(filling, random.id(begunAt), begunAt)
      return {
        json: { instance_id: head.instance_id, made_at: head.made_at, ...done },
        text: `${done.restored} records are back, ${done.dropped} stay away; everybody signs in again\n`,
      }
    },
  )
}

/** The protection of the instance that the backup is of: never one that is made for the occasion. */
async function protectionFor(local: Local, head: BackupHead): Promise<Protection> {
  const { config, store, random } = local
  if (config.keySecret === undefined && !existsSync(keyFileOf(local))) {
    throw new CliFailure(
      `the key file ${keyFileOf(local)} is missing, and the backup opens with nothing else: bring it there first`,
    )
  }
  const source = config.keySecret === undefined ? { keyFile: keyFileOf(local) } : { secret: config.keySecret.reveal() }
  return openProtection(source, { store, instanceId: head.instance_id, random })
}

const sealerOf = ({ seal, open: unseal }: Protection): Sealer => ({
  seal: (place, bytes) => seal('backup', place, bytes),
  open: (place, sealed) => unseal('backup', place, sealed),
})

const keyName = (local: Local): string => (local.config.keySecret === undefined ? keyFileOf(local) : 'GATEHOUSE_SECRET')

async function headOf(file: string): Promise<BackupHead> {
  if (!existsSync(file)) throw new CliFailure(`there is no file ${file}`)
  for await (const line of linesOf(file)) return readHead(line)
  throw new CliFailure(`${file} is empty: name another backup`)
}

async function* linesAfterHead(file: string): AsyncGenerator<string> {
  let first = true
  for await (const line of linesOf(file)) {
    if (!first) yield line
    first = false
  }
}

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file), crlfDelay: Infinity })
}
