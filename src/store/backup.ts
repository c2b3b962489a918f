import { gunzipSync, gzipSync } from 'node:zlib'
import { sha256 } from '../crypto/hash.ts'
import { returningKinds } from '../domain/fence.ts'
import type { Instance } from '../domain/instance.ts'
import { ref } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { OpenStore, OwnedRecord } from './port.ts'
import { StoreRefused } from './refused.ts'

/** Seals bytes for one place and opens them there alone. */
export type Sealer = {
  readonly seal: (place: string, bytes: Uint8Array) => string
  readonly open: (place: string, sealed: string) => Uint8Array
}

/** The first line of a backup, in clear: what it takes to open the rest. */
export type BackupHead = {
  readonly format: 'gatehouse-backup'
  readonly v: 1
  readonly backup_id: string
  readonly instance_id: string
  readonly made_at: EpochSeconds
}

type Tail = { readonly records: number; readonly checksum: string; readonly made_at: EpochSeconds }

const chunkChars = 1_000_000

/**
 * A backup line by line: the head, chunks of records, and a tail that says how many there were, so that a file that was cut
 * off is never taken for whole. Consistent at one commit, and the store may be served meanwhile.
 */
export async function* writeBackup(
  { store, admin }: OpenStore,
  { sealer, backupId, now }: { readonly sealer: Sealer; readonly backupId: string; readonly now: EpochSeconds },
): AsyncGenerator<string, Tail> {
  if (admin.scansDrift === true) {
    throw new StoreRefused(
      'this engine has no snapshot of a whole store: use its own backups (point-in-time recovery), or store copy to another engine and back that up',
    )
  }
  const [found] = await store.read([ref('instance', 'self')])
  // The store returns what it was asked for.
  const instance = found?.value as Instance | undefined
  if (instance === undefined) throw new StoreRefused('this store was never served: there is nothing to back up')
  const head: BackupHead = {
    format: 'gatehouse-backup',
    v: 1,
    backup_id: backupId,
    instance_id: instance.instanceId,
    made_at: now,
  }
  yield JSON.stringify(head)
  let tail: Tail = { records: 0, checksum: '', made_at: now }
  let chunk = ''
  let index = 0
  for await (const record of admin.scan(...returningKinds)) {
    const line = JSON.stringify(record)
    tail = { ...tail, records: tail.records + 1, checksum: sha256(tail.checksum + line) }
    chunk += `${line}\n`
    if (chunk.length < chunkChars) continue
    yield sealer.seal(chunkPlace(backupId, index), gzipSync(chunk))
    index += 1
    chunk = ''
  }
  if (chunk !== '') yield sealer.seal(chunkPlace(backupId, index++), gzipSync(chunk))
  yield sealer.seal(tailPlace(backupId, index), Buffer.from(JSON.stringify(tail)))
  return tail
}

/** Throws StoreRefused for a line that begins no backup. */
export function readHead(line: string): BackupHead {
  const head = parsed(line)
  if (head?.['format'] !== 'gatehouse-backup')
    throw new StoreRefused('this is no backup of Gatehouse: name another file')
  if (head['v'] !== 1) throw new StoreRefused('this backup was written by a newer Gatehouse: restore it with that one')
  // Its own writer made the rest; what was altered in it opens nothing.
  return head as BackupHead
}

/** The records of a backup whose head was read, and at the end the proof that they are all. Throws StoreRefused, and what the sealer throws. */
export async function* readBackup(
  { backup_id: backupId, made_at: madeAt }: BackupHead,
  lines: AsyncIterable<string>,
  sealer: Sealer,
): AsyncGenerator<OwnedRecord> {
  let index = 0
  let found: Omit<Tail, 'made_at'> = { records: 0, checksum: '' }
  let last: string | undefined
  for await (const line of lines) {
    if (last !== undefined) {
      for (const text of linesOf(gunzipSync(sealer.open(chunkPlace(backupId, index), last)))) {
        found = { records: found.records + 1, checksum: sha256(found.checksum + text) }
        yield JSON.parse(text) as OwnedRecord
      }
      index += 1
    }
    last = line
  }
  if (last === undefined) throw cutOff()
  const tail = openTail(sealer, tailPlace(backupId, index), last)
  if (tail?.['records'] !== found.records || tail['checksum'] !== found.checksum) throw cutOff()
  // Older backups don't say it: the first line is in clear, and tells how old the rest is.
  if (tail['made_at'] !== undefined && tail['made_at'] !== madeAt) throw cutOff()
}

function openTail(sealer: Sealer, place: string, line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return parsed(Buffer.from(sealer.open(place, line)).toString('utf8'))
  } catch {
    return undefined
  }
}

function cutOff(): StoreRefused {
  return new StoreRefused('the backup is cut off or was altered: restore another one')
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function linesOf(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1)
}

const chunkPlace = (backupId: string, index: number): string => `${backupId} chunk ${index}`
const tailPlace = (backupId: string, index: number): string => `${backupId} end ${index}`
