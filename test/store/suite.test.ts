import { describe, test } from 'vitest'
import { storeCases } from '../../src/store/suite/store-cases.ts'
import { memorySubject, sqliteSubject, workerSubject } from './subjects.ts'

describe.each([
  ['memory', memorySubject],
  ['sqlite', sqliteSubject],
  ['sqlite, in a worker process', workerSubject],
])('the store suite on %s', (_, subject) => {
  for (const { name, run } of storeCases(subject)) test(name, run, 60_000)
})
