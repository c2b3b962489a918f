import { afterAll, beforeAll, describe, test } from 'vitest'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from '../store/dynamodb-local.ts'
import { proveTwoSealers } from './two-sealers.ts'

let postgres: TestPostgres | undefined
let dynamodb: DynamodbLocal | undefined
const noDynamodb = whyNoDynamodb()
if (noDynamodb !== undefined) console.error(`SKIPPED the chain of events on DynamoDB: ${noDynamodb}`)

beforeAll(async () => {
  if (noPostgres === undefined) postgres = await startPostgres()
  if (noDynamodb === undefined) dynamodb = await startDynamodbLocal()
}, 120_000)
afterAll(async () => {
  await postgres?.stop()
  await dynamodb?.stop()
})

describe.each([
  ['postgres', noPostgres, () => postgres?.address('chain') ?? ''],
  ['dynamodb', noDynamodb, () => `dynamodb://local/chain?endpoint=${dynamodb?.endpoint}`],
] as const)('INV9: the chain of events on %s', (_, missing, address) => {
  test.skipIf(missing !== undefined)(
    'two nodes seal at once, each event once, and the store proves itself',
    () => proveTwoSealers(address()),
    120_000,
  )
})
