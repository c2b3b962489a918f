import { fence, type RestoreTime } from '../domain/fence.ts'
import { append, ref } from '../domain/record.ts'
import type { BackupHead } from './backup.ts'
import { createFill, writeOf } from './fill.ts'
import { beginIncoming, endIncoming, incomingOf } from './incoming.ts'
import type { OpenStore, OwnedRecord, StampedWrite, Store } from './port.ts'
import { isKnown } from './refuse-newer.ts'
import { StoreRefused } from './refused.ts'
import type { TransitionContext } from './transition.ts'

export type Restored = { readonly restored: number; readonly dropped: number }

/**
 * Fill an empty store with a backup, fenced (FLT-33): nothing that was issued before counts any more. `records` reads the
 * backup and may be asked twice: it is read to its end before anything is written. The instance comes last.
 */
export async function restoreStore(
  target: OpenStore,
  { head, records }: { readonly head: BackupHead; readonly records: () => AsyncIterable<OwnedRecord> },
  context: TransitionContext & { readonly at: RestoreTime; readonly eventId: string },
): Promise<Restored> {
  const { store } = target
  const command = `store restore of ${head.backup_id}`
  const begun = await refuseFull(store, command)
  for await (const record of records()) refuseUnknown(record)
  await beginIncoming(context, command)
  const fill = createFill(store)
  let restored = 0
  let dropped = 0
  let instance: StampedWrite | undefined
  for await (const record of records()) {
    const value = fence(record, context.at)
    if (value === undefined) {
      dropped += 1
      continue
    }
    restored += 1
    // What changed is another state of the record, and no state shares its stamp with another.
    const version = value === record.value ? record.version : context.random.stamp()
    const write = writeOf({ ...record, value, version }, null)
    if (record.kind === 'instance') instance = write
    else if (!begun || !(await isThere(store, record))) await fill.add(write)
  }
  await fill.end()
  if (instance === undefined) throw new StoreRefused('the backup holds no instance: restore another one')
  const event = append(context.eventId, {
    v: 1,
    type: 'instance.restored',
    at: context.at.now,
    target: head.instance_id,
    actor: 'cli',
  })
  // Neither is a put, so neither carries a stamp.
  await endIncoming(store, [instance, event as StampedWrite])
  return { restored, dropped }
}

/** What a record means that we can't read, we can't fence. */
function refuseUnknown(record: OwnedRecord): void {
  if (isKnown(record)) return
  throw new StoreRefused(`the backup holds a ${record.kind} of a newer Gatehouse: restore it with that one`)
}

/** Only an empty store may be filled, or one that the same backup was being restored to. True: it goes on. */
async function refuseFull(store: Store, command: string): Promise<boolean> {
  const [instance] = await store.read([ref('instance', 'self')])
  if (instance !== undefined) {
    throw new StoreRefused(
      'there is a store already, and a restore never overwrites one: move it away, or name another',
    )
  }
  const before = await incomingOf(store)
  if (before === undefined || before === command) return before !== undefined
  throw new StoreRefused(`the store is half filled by another command (${before}): empty it first`)
}

async function isThere(store: Store, { kind, id }: OwnedRecord): Promise<boolean> {
  const [found] = await store.read([ref(kind, id)])
  return found !== undefined
}
