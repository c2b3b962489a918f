import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { macKey } from '../../src/crypto/mac.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { openAtRest, sealAtRest } from '../../src/crypto/seal.ts'
import { readBackup, readHead, writeBackup, type Sealer } from '../../src/store/backup.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { restoreStore, type Restored } from '../../src/store/restore.ts'
import { startGatehouse, type MadeClient, type TestClock, type TestGatehouse } from '../kit/gatehouse.ts'
import { openTestStore } from '../store/subjects.ts'
import { give, presentAll, standingClock, useUp, type Presented } from './replay.ts'

const random = createRandom()
const key = macKey(random.bytes(32))
const eventTtl = 400 * 86_400

export const backupSealer: Sealer = {
  seal: (place, bytes) => sealAtRest(key, { place: [place], plaintext: bytes }, random).toString('base64url'),
  open: (place, sealed) => {
    const opened = openAtRest(key, [place], Buffer.from(sealed, 'base64url'))
    if (opened === undefined) throw new Error('sealed for another place, or altered')
    return opened
  },
}

export type Replay = Presented & {
  readonly restored: Restored
  readonly restoreMillis: number
  /** The restored server, where people sign in anew. */
  readonly server: TestGatehouse
  readonly client: MadeClient
  readonly assertion: () => string
  readonly close: () => Promise<void>
}

/** FLT-33: back up a server, use and revoke what it gave, restore the backup elsewhere, and present everything again. */
export async function replayAfterRestore(rounds: number): Promise<Replay> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-replay-'))
  const clock = standingClock()
  const before = await startGatehouse({ store: { adapter: 'sqlite', path: join(folder, 'a.db') }, clock })
  const given = await give(before, rounds)
  const lines = await backup({ store: before.core.transition.store, admin: before.core.admin }, clock)
  const used = await useUp(before, given)
  await before.close()

  const path = join(folder, 'b.db')
  const restoring = performance.now()
  const restored = await restore(lines, path, clock)
  const restoreMillis = performance.now() - restoring
  const server = await startGatehouse({
    store: { adapter: 'sqlite', path },
    clock,
    config: { issuer: before.url, listen: { host: '127.0.0.1', port: before.port } },
  })
  return {
    restored,
    restoreMillis,
    ...(await presentAll(server, given, used)),
    server,
    client: given.client,
    assertion: given.assertion,
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Restores = {
  /** How many were presented: at least as many as were asked for. */
  readonly n: number
  readonly violations: readonly string[]
  readonly answers: ReadonlyMap<string, number>
  /** The restore alone, of as much as was given. */
  readonly readyMillis: readonly number[]
}

/** What one round of `replayAfterRestore` presents: two codes, three refresh tokens, three access tokens, an assertion. */
const perRound = 9

/** FLT-33 with so many credentials: each that is good again is a violation. */
export async function presentRestored(count: number): Promise<Restores> {
  const { presented, revived, restoreMillis, close } = await replayAfterRestore(Math.ceil(count / perRound))
  await close()
  return {
    n: Object.values(presented).reduce((sum, times) => sum + times, 0),
    violations: Object.entries(revived).flatMap(([what, times]) =>
      times === 0 ? [] : [`INV3: ${times} of ${presented[what]} ${what} from before the restore are good`],
    ),
    answers: new Map(Object.entries(presented).map(([what, times]) => [`${what} done`, times])),
    readyMillis: [restoreMillis],
  }
}

export function printPresented({ n, violations, answers }: Restores): string {
  const each = [...answers].map(([what, times]) => `${times} ${what.replace(' done', '')}`)
  return [`FLT-33: n = ${n}, violations = ${violations.length}`, each.join(', '), ...violations].join('\n')
}

/** All lines of a backup. */
export async function backup(opened: OpenStore, clock: Pick<TestClock, 'seconds'>): Promise<readonly string[]> {
  const lines: string[] = []
  const writing = writeBackup(opened, { sealer: backupSealer, backupId: random.stamp(), now: clock.seconds() })
  for await (const line of writing) lines.push(line)
  return lines
}

/** Into a new SQLite file. */
export async function restore(
  lines: readonly string[],
  path: string,
  clock: TestClock,
  through: (opened: OpenStore) => OpenStore = (opened) => opened,
): Promise<Restored> {
  const target = through(await openTestStore(path, { eventTtl }))
  try {
    const head = readHead(lines[0] ?? '')
    return await restoreStore(
      target,
      { head, records: () => readBackup(head, later(lines.slice(1)), backupSealer) },
      {
        store: target.store,
        clock,
        random,
        at: { now: clock.seconds(), millis: clock.millis() },
        eventId: random.id(clock.millis()),
      },
    )
  } finally {
    await target.admin.close()
  }
}

async function* later(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line)
}
