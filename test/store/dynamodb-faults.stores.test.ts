import {
  createServer,
  request,
  type ClientRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { append, put, ref } from '../../src/domain/record.ts'
import { StoreContended } from '../../src/store/contended.ts'
import { schemaKey } from '../../src/store/dynamodb/items.ts'
import { openStore } from '../../src/store/open.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { appears, event, holderOf, lease, putLease, start } from '../../src/store/suite/samples.ts'
import { transition } from '../../src/store/transition.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from './dynamodb-local.ts'
import { dynamodbTable } from './subjects.ts'

const missing = whyNoDynamodb()
const random = createRandom()
let local: DynamodbLocal | undefined
const proxies: Server[] = []
let calls = 0
/** What is asked for this partition is throttled. */
let hot: string | undefined

beforeAll(async () => {
  if (missing !== undefined) return
  local = await startDynamodbLocal()
}, 120_000)
afterAll(async () => {
  for (const proxy of proxies) {
    proxy.closeAllConnections()
    proxy.close()
  }
  await local?.stop()
})

/** Where a way to DynamoDB begins on which everything meets this. */
async function startProxy(answerer: (asked: IncomingMessage, answer: ServerResponse) => void): Promise<string> {
  const proxy = createServer(answerer)
  proxies.push(proxy)
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

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
  asked.pipe(passOn(asked, answer, { losesAnswer: dice === 41 }))
}

/** A partition key beyond what one may take. */
async function hotPartition(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of asked) parts.push(part as Buffer)
  const body = Buffer.concat(parts)
  if (hot !== undefined && body.includes(hot)) refuse(asked, answer, { __type: `${scope}ThrottlingException` })
  else passOn(asked, answer).end(body)
}

function passOn(
  asked: IncomingMessage,
  answer: ServerResponse,
  { losesAnswer = false }: { readonly losesAnswer?: boolean } = {},
): ClientRequest {
  const onward = request(`${local?.endpoint}${asked.url}`, { method: asked.method, headers: asked.headers }, (back) => {
    if (losesAnswer) return void asked.socket.destroy()
    answer.writeHead(back.statusCode ?? 500, back.headers)
    back.pipe(answer)
  })
  onward.on('error', () => asked.socket.destroy())
  return onward
}

const scope = 'com.amazonaws.dynamodb.v20120810#'

function refuse(asked: IncomingMessage, answer: ServerResponse, body: object): void {
  asked.resume()
  answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
}

const clock = { seconds: () => start, monotonic: () => performance.now() }

/** A store of its own whose every request meets this on its way. */
async function openBehind(answerer: Parameters<typeof startProxy>[0]): Promise<OpenStore> {
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
  return openAt(await startProxy(answerer))
}

test('FLT-17: through throttling, conflicts and lost answers each acknowledged change is there once, with its event', async (context) => {
  if (missing !== undefined) context.skip(missing)
  const { store, admin } = await openBehind(troubled)
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

test('FLT-17: one partition that is throttled keeps nobody else, and who asks for it is refused at once until it isn’t', async (context) => {
  if (missing !== undefined) context.skip(missing)
  const { store, admin } = await openBehind((asked, answer) => void hotPartition(asked, answer))
  let turn = 0
  /** Change a lease, whatever stands there; how it went, and how long it took. */
  const change = async (id: string): Promise<{ readonly refused: string | undefined; readonly millis: number }> => {
    const since = performance.now()
    const refused = await store.commit([putLease(id, 'any', `${id}-${(turn += 1)}`)]).then(
      () => undefined,
      (error: unknown) => (error instanceof StoreUnavailable ? error.message : Promise.reject(error as Error)),
    )
    return { refused, millis: performance.now() - since }
  }
  expect(await change('well')).toMatchObject({ refused: undefined })
  hot = 'r#lease#hot'
  // For as long as a circuit takes to open, nobody asks for anything else.
  const until = performance.now() + 5_000
  const queue = Array.from({ length: 8 }, async () => {
    while (performance.now() < until) expect((await change('hot')).refused).toBeDefined()
  })
  await Promise.all(queue)
  const others = await Promise.all(Array.from({ length: 20 }, (_, index) => change(`cold-${index}`)))
  expect(others.filter(({ refused }) => refused !== undefined)).toEqual([])
  // Whoever comes first may be the one who finds out.
  const [, ...refused] = await Promise.all(Array.from({ length: 20 }, () => change('hot')))
  expect(refused.filter((one) => one.refused !== 'the store has not answered for a while' || one.millis > 500)).toEqual(
    [],
  )
  hot = undefined
  const since = performance.now()
  while ((await change('hot')).refused !== undefined) {
    expect(performance.now() - since).toBeLessThan(3_000)
    await pause(50)
  }
  await admin.close()
}, 60_000)

describe('FLT-08: a table that is not ours is refused and left as it was', () => {
  const bare = () =>
    new DynamoDBClient({
      region: 'local',
      endpoint: local?.endpoint ?? '',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
  const opening = (table: string) =>
    openStore(`dynamodb://local/${table}?endpoint=${local?.endpoint}`, { clock, random, onFatal: () => undefined })

  test('of another program', async (context) => {
    if (missing !== undefined) context.skip(missing)
    const client = bare()
    const table = dynamodbTable()
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
    await expect(opening(table)).rejects.toMatchObject({ name: 'StoreRefused', message: /isn't Gatehouse's/ })
    expect((await client.send(new ScanCommand({ TableName: table }))).Count).toBe(0)
    client.destroy()
  })

  test('of a newer Gatehouse', async (context) => {
    if (missing !== undefined) context.skip(missing)
    const client = bare()
    const table = dynamodbTable()
    await (await opening(table)).admin.close()
    const Item = { ...schemaKey, n: { N: '2' } }
    await client.send(new PutItemCommand({ TableName: table, Item }))
    await expect(opening(table)).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /written by a newer Gatehouse \(schema 2, this one knows 1\): run the newer one/,
    })
    expect((await client.send(new ScanCommand({ TableName: table }))).Items).toEqual([Item])
    client.destroy()
  })
})
