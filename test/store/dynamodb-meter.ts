import { Agent, createServer, request, type IncomingMessage } from 'node:http'

/** What was asked of a DynamoDB behind it, in what Amazon bills. */
export type DynamodbCount = {
  /** Requests, each a round trip. */
  readonly calls: number
  /** Of the requests' bodies. */
  readonly sentBytes: number
  /** By the emulator's own count, indexes included: a write unit is up to 1 KB, twice that in a transaction; a read unit up to 4 KB. */
  readonly writeUnits: number
  readonly readUnits: number
  readonly byOperation: Readonly<Record<string, number>>
}

export type DynamodbMeter = {
  readonly endpoint: string
  /** Since it began. */
  readonly count: () => DynamodbCount
  readonly close: () => Promise<void>
}

type Consumed = { readonly CapacityUnits?: number }

const reading = /^(?:GetItem|BatchGetItem|TransactGetItems|Query|Scan)$/

/** A way to DynamoDB Local that asks of every answer what it cost. Signatures, which it would break, aren't checked there. */
export async function startDynamodbMeter(target: string): Promise<DynamodbMeter> {
  const agent = new Agent({ keepAlive: true })
  const counted = { calls: 0, sentBytes: 0, writeUnits: 0, readUnits: 0 }
  const byOperation: Record<string, number> = {}
  const server = createServer((asked, answer) => {
    void (async () => {
      const sent = await bodyOf(asked)
      const operation = String(asked.headers['x-amz-target']).replace(/^.*\./, '')
      counted.calls += 1
      counted.sentBytes += sent.length
      byOperation[operation] = (byOperation[operation] ?? 0) + 1
      const body = Buffer.from(JSON.stringify({ ...JSON.parse(String(sent)), ReturnConsumedCapacity: 'TOTAL' }))
      const headers = { ...asked.headers, 'content-length': body.length }
      const onward = request(`${target}${asked.url}`, { agent, method: asked.method, headers }, (back) => {
        void (async () => {
          const said = await bodyOf(back)
          const units = unitsIn(
            JSON.parse(String(said)) as { readonly ConsumedCapacity?: Consumed | readonly Consumed[] },
          )
          counted[reading.test(operation) ? 'readUnits' : 'writeUnits'] += units
          answer.writeHead(back.statusCode ?? 500, back.headers).end(said)
        })().catch(() => asked.socket.destroy())
      })
      onward.on('error', () => asked.socket.destroy())
      onward.end(body)
    })().catch(() => asked.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    count: () => ({ ...counted, byOperation: { ...byOperation } }),
    close: async () => {
      server.closeAllConnections()
      agent.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What was counted from `before` to `after`, for one of so many. */
export function perOne(before: DynamodbCount, after: DynamodbCount, times: number): DynamodbCount {
  const each = (name: Exclude<keyof DynamodbCount, 'byOperation'>): number => (after[name] - before[name]) / times
  return {
    calls: each('calls'),
    sentBytes: each('sentBytes'),
    writeUnits: each('writeUnits'),
    readUnits: each('readUnits'),
    byOperation: Object.fromEntries(
      Object.entries(after.byOperation).map(([name, calls]) => [
        name,
        (calls - (before.byOperation[name] ?? 0)) / times,
      ]),
    ),
  }
}

function unitsIn({ ConsumedCapacity = [] }: { readonly ConsumedCapacity?: Consumed | readonly Consumed[] }): number {
  return [ConsumedCapacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0)
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
