import { sha256 } from '../crypto/hash.ts'
import { kinds } from '../domain/fence.ts'
import type { Instance } from '../domain/instance.ts'
import { ref, type Kind } from '../domain/record.ts'
import { canonical } from './canonical.ts'
import { createFill, writeOf } from './fill.ts'
import { beginIncoming, copiedRef, endIncoming, incomingOf } from './incoming.ts'
import type { OpenStore, OwnedRecord, StampedWrite, Store } from './port.ts'
import { StoreRefused } from './refused.ts'
import type { TransitionContext } from './transition.ts'

/** What was found of one kind when both stores were read again, and whether they hold the same. */
export type Compared = {
  readonly kind: Kind
  readonly records: number
  /** SHA-256 over every record in key order. */
  readonly checksum: string
  readonly same: boolean
}

export type CopyReport = {
  /** Records that this run had to write or delete. */
  readonly written: number
  readonly kinds: readonly Compared[]
}

/** Of one life of a store alone: what caches must forget, and who holds which job, and how far its events are delivered. The instance comes when all is there. */
const staysBehind: ReadonlySet<Kind> = new Set<Kind>(['change', 'lease', 'relay', 'instance'])
const copied = kinds.filter((kind) => !staysBehind.has(kind))

/**
 * Make `to` hold what `from` holds. `from` is only read and may be served meanwhile; running it again writes only what has
 * changed. What differs at the end, because `from` went on, keeps `to` from being served until it is run again.
 * Throws StoreRefused rather than mix two stores.
 */
export async function copyStore(from: OpenStore, to: OpenStore, context: TransitionContext): Promise<CopyReport> {
  const source = await instanceIn(from.store)
  if (source === undefined) throw new StoreRefused('the store to copy from was never served: there is nothing to copy')
  const half = await incomingOf(from.store)
  if (half !== undefined)
    throw new StoreRefused(
      `the store to copy from is itself being filled by gatehouse ${half}: let that be finished first`,
    )
  await refuseOther(source, to.store)
  await beginIncoming(context, 'store copy')
  let written = 0
  const compared: Compared[] = []
  for (const kind of copied) written += await copyKind(from, to, kind)
  for (const kind of copied) compared.push(await compareKind(from, to, kind))
  if (compared.some(({ same }) => !same)) return { written, kinds: compared }
  return { written: written + (await copyInstance(from, to, context)), kinds: compared }
}

async function refuseOther(source: Instance, to: Store): Promise<void> {
  const target = await instanceIn(to)
  if (target === undefined) return
  if (target.instanceId !== source.instanceId)
    throw new StoreRefused('the store to copy to holds another instance: name an empty one')
  const [copied] = await to.read([copiedRef])
  if (copied === undefined || target.generation > source.generation || target.highWaterAt > source.highWaterAt)
    throw new StoreRefused(
      'the store to copy to has been served since: copying again would undo what happened there; name an empty one',
    )
}

async function instanceIn(store: Store): Promise<Instance | undefined> {
  const [found] = await store.read([ref('instance', 'self')])
  return found !== undefined && 'instanceId' in found.value ? found.value : undefined
}

async function copyKind(from: OpenStore, to: OpenStore, kind: Kind): Promise<number> {
  const fill = createFill(to.store)
  let written = 0
  for await (const { left, right } of pairs(from, to, kind)) {
    if (left !== undefined && left.version === right?.version) continue
    // What is an event no more was swept: the target's own sweep sees to it.
    if (left === undefined && kind === 'event') continue
    written += 1
    if (left !== undefined) await fill.add(writeOf(left, right?.version ?? null))
    else if (right !== undefined) await fill.add({ op: 'delete', kind, id: right.id, expect: right.version })
  }
  await fill.end()
  return written
}

async function copyInstance(from: OpenStore, to: OpenStore, { random }: TransitionContext): Promise<number> {
  const [copied] = await to.store.read([copiedRef])
  const kept = { value: { v: 1, holder: 'store copy' }, owners: [], expiresAt: null } as const
  const mark = { op: 'put', ...copiedRef, expect: null, version: random.stamp(), ...kept } as const
  const marked: readonly StampedWrite[] = copied === undefined ? [mark] : []
  for await (const { left, right } of pairs(from, to, 'instance')) {
    const changed = left !== undefined && left.version !== right?.version
    await endIncoming(to.store, changed ? [writeOf(left, right?.version ?? null), ...marked] : marked)
    return changed ? 1 : 0
  }
  return 0
}

async function compareKind(from: OpenStore, to: OpenStore, kind: Kind): Promise<Compared> {
  let records = 0
  let [ours, theirs] = ['', '']
  for await (const { left, right } of pairs(from, to, kind)) {
    if (left === undefined && kind === 'event') continue
    if (left !== undefined) records += 1
    ours = sha256(`${ours}\n${left === undefined ? '' : imprint(left)}`)
    theirs = sha256(`${theirs}\n${right === undefined ? '' : imprint(right)}`)
  }
  return { kind, records, checksum: ours, same: ours === theirs }
}

/** All of a record that counts. Engines may keep its owners but for the first in another order. */
function imprint({ id, version, value, owners, expiresAt }: OwnedRecord): string {
  return canonical([id, version, value, owners[0] ?? null, owners.toSorted(), expiresAt ?? null])
}

/** What both hold of a kind, side by side in key order. */
async function* pairs(
  from: OpenStore,
  to: OpenStore,
  kind: Kind,
): AsyncGenerator<{ readonly left: OwnedRecord | undefined; readonly right: OwnedRecord | undefined }> {
  const lefts = from.admin.scan(kind)[Symbol.asyncIterator]()
  const rights = to.admin.scan(kind)[Symbol.asyncIterator]()
  try {
    let [left, right] = [await nextOf(lefts), await nextOf(rights)]
    while (left !== undefined || right !== undefined) {
      const order = left === undefined ? 1 : right === undefined ? -1 : byKey(left, right)
      yield { left: order <= 0 ? left : undefined, right: order >= 0 ? right : undefined }
      if (order <= 0) left = await nextOf(lefts)
      if (order >= 0) right = await nextOf(rights)
    }
  } finally {
    await Promise.all([lefts.return?.(), rights.return?.()])
  }
}

async function nextOf(records: AsyncIterator<OwnedRecord>): Promise<OwnedRecord | undefined> {
  const next = await records.next()
  return next.done === true ? undefined : next.value
}

function byKey(a: OwnedRecord, b: OwnedRecord): number {
  return Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))
}
