import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import { startDynamodbLocal } from '../../test/store/dynamodb-local.ts'
import { startDynamodbMeter } from '../../test/store/dynamodb-meter.ts'
import type { Engine } from './engine.ts'

/**
 * Amazon's emulator, in memory: its own costs say nothing about DynamoDB, what we ask it does. Behind its one lock it does some six
 * hundred requests a second, and two hundred transactions, so that at 64 or 256 at once some wait for longer than we wait for a store
 * (`call.ts`), and are told 503.
 */
export async function dynamodbEngine(): Promise<Engine> {
  const local = await startDynamodbLocal()
  const meter = await startDynamodbMeter(local.endpoint)
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const address = `dynamodb://local/gatehouse?endpoint=${meter.endpoint}`
  await makeTable(address)
  const client = new DynamoDBClient({ region: 'local', endpoint: meter.endpoint, credentials })
  return {
    name: 'dynamodb',
    title:
      'DynamoDB Local, in memory: requests, the bytes of their bodies, units and our CPU count, its speed does not; from 64 at once it answers too late where two cores are shared',
    atOnce: [1, 4, 16],
    environment: { GATEHOUSE_STORE: address },
    counters: async () => {
      const { calls, sentBytes, writeUnits, readUnits } = meter.count()
      // What was sent to it; it writes no disk here.
      return { cpuMicroseconds: 0, writtenBytes: sentBytes, fsyncs: 0, roundTrips: calls, writeUnits, readUnits }
    },
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
      await meter.close()
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
