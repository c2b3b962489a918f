import { afterAll, beforeAll, describe, test } from 'vitest'
import { races } from '../../src/store/suite/races.ts'
import { toCases, type Subject } from '../../src/store/suite/subject.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from './dynamodb-local.ts'
import { postgresSubject } from './postgres-subject.ts'
import { dynamodbSubject } from './subjects.ts'

const raceTurns = 2_000

function raceOn(name: string, subject: Subject, missing: string | undefined): void {
  const whole: Subject = { ...subject, raceTurns }
  describe(`B08 two thousand contended changes on ${name}`, () => {
    for (const { name, run } of toCases(whole, races(whole)))
      test(name, async (context) => {
        if (missing !== undefined) context.skip(missing)
        await run()
      })
  })
}

let postgres: TestPostgres | undefined
let dynamodb: DynamodbLocal | undefined
const noDynamodb = whyNoDynamodb()

beforeAll(async () => {
  if (noPostgres === undefined) postgres = await startPostgres()
  if (noDynamodb === undefined) dynamodb = await startDynamodbLocal()
})
afterAll(() => Promise.all([postgres?.stop(), dynamodb?.stop()]))

raceOn(
  'PostgreSQL',
  postgresSubject(() => postgres),
  noPostgres,
)
raceOn(
  'DynamoDB',
  dynamodbSubject(() => dynamodb?.endpoint ?? ''),
  noDynamodb,
)
