// node bench/store.ts [PATH]: what the store costs by itself, in CPU of the whole process (its writer thread included).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '../src/crypto/random.ts'
import { append, create, put, ref } from '../src/domain/record.ts'
import type { Grant } from '../src/domain/grant.ts'
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts'
import { commitNew, transition } from '../src/store/transition.ts'

const random = createRandom()
const clock = {
  millis: () => Date.now(),
  seconds: () => Math.floor(Date.now() / 1000),
  monotonic: () => performance.now(),
}
const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'gatehouse-bench-'))
const path = join(folder, 'store.db')
const onFatal = (reason: Error): never => {
  throw reason
}
const { store, admin } = await openSqliteStore({ path, clock, random, onFatal })
const context = { store, clock, random }
const now = clock.seconds()
const grants: string[] = []

function issued(): ReturnType<typeof append> {
  return append(random.id(clock.millis()), {
    v: 1,
    type: 'token.issued',
    at: now,
    clientId: 'my-client',
    userId: 'usr_5Yt0vUGlSfK8sNn1x2QzPA',
    grantId: '019a8f2b3c4dZqX1vJm0R5u8Tn2WyQzPA',
    jti: 'Zq-X1vJm0R5u8Tn2WyQzPA',
    address: '192.0.2.17',
    grantType: 'client_credentials',
    scope: 'read write',
    audience: ['https://api.example'],
  })
}

function grant(generation: number): Grant {
  const imprint = () => ({ nonce: random.text(16), keyId: 'mac-1' })
  return {
    v: 1,
    clientId: 'my-client',
    userId: 'usr_5Yt0vUGlSfK8sNn1x2QzPA',
    scope: ['openid', 'profile', 'offline_access'],
    resources: ['https://api.example'],
    epoch: '1.2.3',
    createdAt: now,
    authentication: { authTime: now, acr: '1', amr: ['pwd'], sessionId: random.id(clock.millis()) },
    nonce: random.text(16),
    refresh: {
      generation,
      current: imprint(),
      previous: imprint(),
      rotatedAt: now,
      idleTtl: 2_592_000,
      idleExpiresAt: now + 2_592_000,
      absoluteExpiresAt: now + 31_536_000,
      lastUsedAt: now,
    },
    deviceName: 'Firefox on Linux',
  }
}

async function addGrant(): Promise<void> {
  const id = random.id(clock.millis())
  await commitNew(context, [
    create(ref('grant', id), grant(0), {
      expiresAt: now + 2_592_000,
      owners: ['usr_1', 'client:my-client', 'session:s'],
    }),
    issued(),
  ])
  grants.push(id)
}

async function rotate(turn: number): Promise<void> {
  const id = grants[(turn * 7919) % grants.length] ?? ''
  await transition(context, { grant: ref('grant', id) }, (slots) => ({
    writes: [put(slots.grant, grant(turn), { expiresAt: now + 2_592_000 + Math.floor(turn / 100) }), issued()],
    result: undefined,
  }))
}

/** So that reads come a handful at a time, as requests do. */
function nextTurn(): Promise<unknown> {
  return new Promise(setImmediate)
}

async function measure(
  name: string,
  { total, atOnce }: { total: number; atOnce: number },
  work: (turn: number) => Promise<unknown>,
): Promise<void> {
  let turn = 0
  const lane = async (): Promise<void> => {
    while (turn < total) await work(turn++)
  }
  const cpuBefore = process.cpuUsage()
  const before = performance.now()
  await Promise.all(Array.from({ length: atOnce }, lane))
  const wall = performance.now() - before
  const { user, system } = process.cpuUsage(cpuBefore)
  const perSecond = Math.round((total / wall) * 1000)
  const [own, kernel] = [user / total, system / total]
  console.log(
    `${name.padEnd(20)} ${String(atOnce).padStart(4)} at once  ${String(perSecond).padStart(8)}/s` +
      `  ${(own + kernel).toFixed(2).padStart(7)} µs CPU (${own.toFixed(2)} + kernel ${kernel.toFixed(2)})`,
  )
}

await measure('warm-up', { total: 20_000, atOnce: 32 }, () => commitNew(context, [issued()]))
for (let round = 0; round < 3; round += 1) {
  await measure('make the event', { total: 100_000, atOnce: 1 }, async () => issued())
  await measure('append an event', { total: 60_000, atOnce: 32 }, () => commitNew(context, [issued()]))
  await measure('append an event', { total: 60_000, atOnce: 256 }, () => commitNew(context, [issued()]))
  await measure('create a grant', { total: 20_000, atOnce: 32 }, addGrant)
  await measure('rotate a grant', { total: 20_000, atOnce: 32 }, rotate)
  await measure('read a grant', { total: 50_000, atOnce: 16 }, async (turn) => {
    await nextTurn()
    return store.read([ref('grant', grants[(turn * 7919) % grants.length] ?? '')])
  })
}
await admin.close()
rmSync(folder, { recursive: true })
