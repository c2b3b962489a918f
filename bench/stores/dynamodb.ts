import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import { startDynamodbLocal } from '../../test/store/dynamodb-local.ts'
import type { Engine } from './engine.ts'
import { startRoundTripCounter } from './round-trips.ts'

/** Amazon's emulator, in memory: its own costs say nothing about DynamoDB, what we ask it does. */
export async function dynamodbEngine(): Promise<Engine> {
  const local = await startDynamodbLocal()
  const counter = await startRoundTripCounter(Number(new URL(local.endpoint).port))
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const address = (port: number | string): string => `dynamodb://local/gatehouse?endpoint=http://127.0.0.1:${port}`
  await makeTable(address(counter.port))
  const client = new DynamoDBClient({ region: 'local', endpoint: local.endpoint, credentials })
  return {
    name: 'dynamodb',
    title: 'DynamoDB Local, in memory: requests and bytes count, its speed does not',
    environment: { GATEHOUSE_STORE: address(counter.port) },
    counters: async () => ({
      cpuMicroseconds: 0,
      // What was sent to it; it writes no disk here.
      writtenBytes: counter.sentBytes(),
      fsyncs: 0,
      roundTrips: counter.count(),
    }),
    openRaw: async () => {
      const TableName = 'raw'
      const id = { AttributeName: 'id' }
      await client
        .send(
          new CreateTableCommand({
            TableName,
            BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [{ ...id, AttributeType: 'S' }],
            KeySchema: [{ ...id, KeyType: 'HASH' }],
          }),
        )
        .catch((error: unknown) => {
          if (!(error instanceof Error) || error.name !== 'ResourceInUseException') throw error
        })
      return {
        write: async (ids, value) => {
          const puts = ids.map(
            (each) => new PutItemCommand({ TableName, Item: { id: { S: each }, value: { S: value } } }),
          )
          await Promise.all(puts.map((put) => client.send(put)))
        },
        close: async () => undefined,
      }
    },
    stop: async () => {
      client.destroy()
      await counter.close()
      await local.stop()
    },
  }
}

/** Java compiles what it does first, which may take longer than a store waits. */
async function makeTable(address: string): Promise<void> {
  for (let left = 10; ; left -= 1) {
    try {
      const { admin } = await openStore(address, { clock: performanceClock, random: createRandom(), onFatal: () => {} })
      return await admin.close()
    } catch (error) {
      if (left === 0) throw error
    }
  }
}

const performanceClock = { monotonic: () => performance.now() }
