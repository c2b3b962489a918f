import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore, WriterLink, WriterOrder, WriterReply } from '../../src/store/port.ts'
import { openSqliteStore, type SqliteOptions } from '../../src/store/sqlite/open-sqlite-store.ts'
import { eventTtl, type Subject } from '../../src/store/suite/subject.ts'

export const memorySubject: Subject = {
  shared: false,
  runProcess,
  async create() {
    const store = openMemoryStore({ eventTtl })
    return { address: 'memory:', open: async () => store, remove: async () => {} }
  },
}

export const sqliteSubject: Subject = {
  shared: true,
  runProcess,
  async create() {
    const folder = temporaryFolder()
    const path = join(folder.path, 'store.db')
    return { address: `sqlite:${path}`, open: () => openTestStore(path), remove: async () => folder.remove() }
  },
}

/** The same file as a worker process has it open: another store writes for all of them. Orders travel as they would between processes. */
export const workerSubject: Subject = {
  shared: true,
  runProcess,
  raceTurns: 100,
  async create() {
    const folder = temporaryFolder()
    const path = join(folder.path, 'store.db')
    const writer = await openTestStore(path)
    return {
      address: `sqlite:${path}`,
      open: () => openTestStore(path, { through: linkTo(writer) }),
      remove: async () => {
        await writer.admin.close()
        folder.remove()
      },
    }
  },
}

export function linkTo({ admin }: Pick<OpenStore, 'admin'>): WriterLink {
  let listener: (reply: WriterReply) => void = () => {}
  return {
    send: (order) => {
      const sent = JSON.parse(JSON.stringify(order)) as WriterOrder
      void admin.writeFor?.(sent).then((reply) => listener(JSON.parse(JSON.stringify(reply)) as WriterReply))
    },
    onReply: (given) => (listener = given),
  }
}

/** On a server whose address is known only when the first case runs; every storage is a table of its own. */
export function dynamodbSubject(endpoint: () => string): Subject {
  return {
    shared: true,
    runProcess,
    // races.long.test.ts runs the two thousand.
    raceTurns: 100,
    async create() {
      const address = `dynamodb://local/${dynamodbTable()}?endpoint=${endpoint()}`
      const open = () => openStore(address, { clock, random: createRandom(), eventTtl, onFatal })
      // The server and its memory end with the file of tests.
      return { address, open, remove: async () => {}, eventsTravel: true }
    },
  }
}

export function dynamodbTable(): string {
  return `suite-${createRandom().id(Date.now())}`
}

export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

const clock = { monotonic: () => performance.now() }

function onFatal(reason: Error): never {
  throw reason
}

/** An SQLite store that fails the test when it dies, unless the test expects it to. */
export function openTestStore(path: string, options: Partial<SqliteOptions> = {}): Promise<OpenStore> {
  return openSqliteStore({
    path,
    clock,
    random: createRandom(),
    eventTtl,
    onFatal,
    ...options,
  })
}

export function runProcess(program: URL, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(program), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let complaint = ''
    child.stdout.on('data', (chunk) => (output += String(chunk)))
    child.stderr.on('data', (chunk) => (complaint += String(chunk)))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`exit ${code}: ${complaint}`))))
  })
}
