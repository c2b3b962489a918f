import { afterAll, beforeAll, describe, test } from 'vitest'
import { races } from '../../src/store/suite/races.ts'
import { toCases, type Subject } from '../../src/store/suite/subject.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { postgresSubject } from '../store/postgres-subject.ts'

// What a database's administrator may have made the default; `read committed` is PostgreSQL's own, and in races.long.test.ts.
describe.each(['repeatable read', 'serializable'])('FLT-16: where every transaction is %s by default', (level) => {
  let server: TestPostgres | undefined
  beforeAll(async () => {
    if (noPostgres === undefined) server = await startPostgres([`default_transaction_isolation = '${level}'`])
  })
  afterAll(() => server?.stop())

  const subject: Subject = { ...postgresSubject(() => server), raceTurns: 2_000 }
  const singleUse = toCases(subject, races(subject)).filter(({ name }) => name.startsWith('single uses'))
  for (const { name, run } of singleUse) test.skipIf(noPostgres !== undefined)(name, run)
})
