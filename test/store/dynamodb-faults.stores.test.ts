import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { append, put, ref } from '../../src/domain/record.ts'
import { StoreContended } from '../../src/store/contended.ts'
import { openStore } from '../../src/store/open.ts'
import { appears, event, holderOf, lease, putLease, start } from '../../src/store/suite/samples.ts'
import { transition } from '../../src/store/transition.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from './dynamodb-local.ts'
import { dynamodbTable } from './subjects.ts'

const missing = whyNoDynamodb()
const random = createRandom()
let local: DynamodbLocal | undefined
let proxy: Server | undefined
let port = 0
let calls = 0

beforeAll(async () => {
  if (missing !== undefined) return
  local = await startDynamodbLocal()
  proxy = createServer(troubled)
  await new Promise<void>((resolve) => proxy?.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
}, 120_000)
afterAll(async () => {
  proxy?.closeAllConnections()
  proxy?.close()
  await local?.stop()
})

/** Three calls in ten are throttled, one in ten meets another transaction, of one in a hundred the answer is lost. */
function troubled(asked: IncomingMessage, answer: ServerResponse): void {
  calls += 1
  const dice = (calls * 37) % 100
  const isTransaction = String(asked.headers['x-amz-target']).endsWith('TransactWriteItems')
  if (dice < 30) return refuse(asked, answer, { __type: `${scope}ThrottlingException` })
  if (dice < 40 && isTransaction) {
    const CancellationReasons = [{ Code: 'TransactionConflict' }]
    return refuse(asked, answer, { __type: `${scope}TransactionCanceledException`, CancellationReasons })
  }
  const onward = request(`${local?.endpoint}${asked.url}`, { method: asked.method, headers: asked.headers }, (back) => {
    if (dice === 41) return void asked.socket.destroy()
    answer.writeHead(back.statusCode ?? 500, back.headers)
    back.pipe(answer)
  })
  onward.on('error', () => asked.socket.destroy())
  asked.pipe(onward)
}

const scope = 'com.amazonaws.dynamodb.v20120810#'

function refuse(asked: IncomingMessage, answer: ServerResponse, body: object): void {
  asked.resume()
  answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
}

test('FLT-17: through throttling, conflicts and lost answers each acknowledged change is there once, with its event', async (context) => {
  if (missing !== undefined) context.skip(missing)
  const clock = { seconds: () => start, monotonic: () => performance.now() }
  const table = dynamodbTable()
  const openAt = (endpoint: string) =>
    openStore(`dynamodb://local/${table}?endpoint=${endpoint}`, {
      clock,
      random,
      onFatal(reason) {
        throw reason
      },
    })
  // Made while all is well: whoever makes a table can run the command again.
  await (await openAt(local?.endpoint ?? '')).admin.close()
  const { store, admin } = await openAt(`http://127.0.0.1:${port}`)
  const counters = ['a', 'b', 'c', 'd']
  await store.commit(counters.map((id) => putLease(id, '0', `${id}-0`, { owners: ['o'] })))
  const acknowledged = new Map(counters.map((id) => [id, [] as string[]]))
  let unsure = 0
  const add = async (id: string) => {
    const eventId = random.id(start * 1000)
    try {
      await transition({ store, clock, random }, { counter: lease(id) }, ({ counter }) => ({
        writes: [
          put(counter, { v: 1, holder: String(Number(counter.value?.holder) + 1) }, { expiresAt: null }),
          append(eventId, event(eventId).event),
        ],
        result: undefined,
      }))
      acknowledged.get(id)?.push(eventId)
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !(error instanceof StoreContended)) throw error
      unsure += 1
    }
  }
  for (let round = 0; round < 15; round += 1) await Promise.all(counters.flatMap((id) => [add(id), add(id)]))

  const total = [...acknowledged.values()].flat().length
  expect(total).toBeGreaterThan(90)
  let counted = 0
  for (const id of counters) {
    const value = Number(await holderOf(store, id))
    expect(value).toBeGreaterThanOrEqual(acknowledged.get(id)?.length ?? NaN)
    counted += value
  }
  expect(counted).toBeLessThanOrEqual(total + unsure)
  for (const ids of acknowledged.values())
    for (const id of ids) expect(await appears(store, ref('event', id))).toBe(true)
  await admin.close()
}, 60_000)
