import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '../../../src/crypto/random.ts'
import type { AuditEvent } from '../../../src/domain/event.ts'
import type { Kind, RecordValues } from '../../../src/domain/record.ts'
import type { StoreAdmin } from '../../../src/store/port.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import type { Books, Journal } from './books.ts'

const issuing: ReadonlySet<AuditEvent['type']> = new Set([
  'token.issued',
  'token.refreshed',
  'token.refresh_repeated',
  'code.redeemed',
])

/**
 * What lies in the files after a fault, before the server sees them again: sound (INV9), and with everything that was
 * acknowledged, and nothing that nobody can have asked for (INV5, INV7, INV10). Works on a copy, so that the server does the
 * recovery of its own files.
 */
export async function inspectStored(dataDirectory: string, known: Books, journal: Journal): Promise<void> {
  // As they are now: the next life of the server writes on while the copy is read.
  const books = copyOf(known)
  await lookInto(dataDirectory, journal, (admin) => inspectOpened(admin, books, journal))
}

/** Look at a copy of a data directory's store. One that can't be read is a violation. */
export async function lookInto(
  dataDirectory: string,
  journal: Journal,
  look: (admin: StoreAdmin) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-stored-'))
  try {
    const path = join(folder, 'gatehouse.db')
    for (const suffix of ['', '-wal']) {
      const file = join(dataDirectory, `gatehouse.db${suffix}`)
      if (existsSync(file)) copyFileSync(file, `${path}${suffix}`)
    }
    const { admin } = await openSqliteStore({
      path,
      clock: { monotonic: () => performance.now() },
      random: createRandom(),
      quickCheck: false,
      onFatal: (reason) => journal.violate('INV9', reason.message),
    })
    try {
      await look(admin)
    } finally {
      await admin.close()
    }
  } catch (error) {
    journal.violate('INV9', `the stopped store can't be read: ${String(error)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * The same of a store on any engine, while nobody writes to it. `issued`: the tokens that it must know, where it is as it was when
 * the books held fewer.
 */
export async function inspectOpened(
  admin: StoreAdmin,
  books: Books,
  journal: Journal,
  issued: ReadonlySet<string> = books.issued,
): Promise<void> {
  for (const finding of await admin.verify()) journal.violate('INV9', finding)
  await inspectRecords(admin, books, journal)
  await inspectEvents(admin, books, journal, issued)
}

function copyOf(books: Books): Books {
  return {
    ...books,
    issued: new Set(books.issued),
    names: new Set(books.names),
    replayed: new Set(books.replayed),
  }
}

/** No half rows, no orphans, and no name that nobody asked for. */
async function inspectRecords(admin: StoreAdmin, books: Books, journal: Journal): Promise<void> {
  const users = await all(admin, 'user')
  const clients = await all(admin, 'client')
  const names = await all(admin, 'name')
  for (const [id, user] of users) {
    if (names.get(`username:${user.username.toLowerCase()}`)?.target !== id)
      journal.violate('INV5', `user ${id} has no name`)
    if (isOurs(user.username) && !books.names.has(user.username))
      journal.violate('INV10', `user ${user.username} was refused and is there`)
  }
  for (const [id, { target }] of names) if (!users.has(target)) journal.violate('INV5', `${id} names nobody`)
  for (const [id, { clientId }] of clients) {
    if (id !== clientId) journal.violate('INV5', `client ${id} calls itself ${clientId}`)
    if (isOurs(id) && !books.names.has(id)) journal.violate('INV10', `client ${id} was refused and is there`)
  }
  for (const [id, grant] of await all(admin, 'grant')) {
    if (!users.has(grant.userId) || !clients.has(grant.clientId)) journal.violate('INV9', `grant ${id} is an orphan`)
  }
}

const isOurs = (name: string): boolean => /^m\d+-\d+$/.test(name)

async function inspectEvents(
  admin: StoreAdmin,
  books: Books,
  journal: Journal,
  mustKnow: ReadonlySet<string>,
): Promise<void> {
  const issued = new Map<string, number>()
  const redeemed = new Map<string, number>()
  let codes = 0
  let blind = 0
  for await (const { value } of admin.scan('event')) {
    const event = value as AuditEvent
    const { type, jti, grantId = '' } = event
    if (issuing.has(type) && jti !== undefined) issued.set(jti, (issued.get(jti) ?? 0) + 1)
    if (type === 'code.issued') codes += 1
    if (type === 'code.redeemed') redeemed.set(grantId, (redeemed.get(grantId) ?? 0) + 1)
    if (event.reason === 'store_rollback') journal.violate('INV2', `the store went back in time for ${grantId}`)
    if (event.reason === 'refresh_reuse' && !books.replayed.has(grantId))
      journal.violate('INV2', `false alarm: refresh_reuse of ${grantId}`)
    if (type === 'code.replayed' && !books.replayed.has(grantId)) blind += 1
  }
  for (const jti of mustKnow)
    if (!issued.has(jti)) journal.violate('INV7', `the token ${jti} left without an audit record`)
  for (const [grantId, times] of redeemed)
    if (times > 1) journal.violate('INV1', `the code of ${grantId} was redeemed ${times} times`)
  const unheard = [...issued.keys()].filter((jti) => !books.issued.has(jti)).length
  if (unheard > books.lostTokens)
    journal.violate(
      'INV7',
      `${unheard} audit records claim tokens that nobody got, and only ${books.lostTokens} answers were lost`,
    )
  if (codes > books.codes + books.lostCodes)
    journal.violate(
      'INV10',
      `${codes} codes are recorded, ${books.codes} came and ${books.lostCodes} may have been lost`,
    )
  if (blind > books.blindReplays) journal.violate('INV2', `${blind} false alarms about replayed codes`)
}

async function all<K extends Kind>(admin: StoreAdmin, kind: K): Promise<ReadonlyMap<string, RecordValues[K]>> {
  const found = new Map<string, RecordValues[K]>()
  for await (const { id, value } of admin.scan(kind)) found.set(id, value as RecordValues[K])
  return found
}
