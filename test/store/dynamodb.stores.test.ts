import { afterAll, beforeAll, describe, test } from 'vitest'
import { storeCases } from '../../src/store/suite/store-cases.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from './dynamodb-local.ts'
import { dynamodbSubject } from './subjects.ts'

const missing = whyNoDynamodb()
if (missing !== undefined) console.error(`SKIPPED the store suite on DynamoDB: ${missing}`)

describe('the store suite on dynamodb', () => {
  let local: DynamodbLocal | undefined
  beforeAll(async () => {
    if (missing === undefined) local = await startDynamodbLocal()
  }, 120_000)
  afterAll(() => local?.stop())

  for (const { name, run } of storeCases(dynamodbSubject(() => local?.endpoint ?? '')))
    test(name, { timeout: 120_000 }, async (context) => {
      if (missing !== undefined) context.skip(missing)
      await run()
    })
})
