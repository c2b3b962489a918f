import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createDeadline, type Verdict } from '../../src/store/dynamodb/call.ts'
import { verdictOf } from '../../src/store/dynamodb/verdict.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { lostAnswer, unmet } from './scripted-dynamodb.ts'

afterEach(() => vi.restoreAllMocks())

class Failed extends Error {
  readonly verdict: Verdict
  constructor(verdict: Verdict, name = 'Failed') {
    super('with a secret in it')
    this.verdict = verdict
    this.name = name
  }
}

/** A call whose every attempt takes so long and fails so, until nothing is left to fail with. */
function attempts(...failures: readonly Verdict[]) {
  const clock = { now: 1_000, monotonic: () => clock.now }
  const begun = createDeadline({
    clock,
    random: { stamp: () => 'always the same' },
    verdictOf: (error) => (error instanceof Failed ? error.verdict : 'unknown'),
  })
  const doubts: boolean[] = []
  const call = begun()
  const run = (millis: number): Promise<string> =>
    call(async (_signal, { doubtful }) => {
      doubts.push(doubtful)
      clock.now += millis
      const verdict = failures[doubts.length - 1]
      if (verdict !== undefined) throw new Failed(verdict)
      return 'answered'
    })
  return { run, doubts, clock, call }
}

describe('FLT-17: a call of DynamoDB', () => {
  test('is tried until it is answered, and knows from the first answer that was lost on that it may have happened', async () => {
    const { run, doubts } = attempts('none', 'unknown', 'none')
    expect(await run(1)).toBe('answered')
    expect(doubts).toEqual([false, false, true, true])
  })

  test.each([
    { verdicts: ['none', 'none', 'none', 'none'] as const, outcome: 'none' },
    { verdicts: ['unknown', 'none', 'none', 'none'] as const, outcome: 'unknown' },
  ])('ends after two seconds, and its outcome is $outcome after $verdicts', async ({ verdicts, outcome }) => {
    const { run, doubts } = attempts(...verdicts)
    const failed = run(900)
    await expect(failed).rejects.toMatchObject({ name: 'StoreUnavailable', outcome, ofOne: false })
    await expect(failed).rejects.toThrow(/^((?!secret).)*$/)
    expect(doubts).toHaveLength(3)
  })

  test('that no repetition mends is tried once', async () => {
    const { run, doubts } = attempts('final')
    await expect(run(1)).rejects.toMatchObject({ outcome: 'none', ofOne: true })
    expect(doubts).toHaveLength(1)
  })

  test('behind another under the same deadline, whose time is up, sends nothing', async () => {
    const { run, doubts } = attempts()
    expect(await run(2_000)).toBe('answered')
    await expect(run(1)).rejects.toMatchObject({ outcome: 'none' })
    expect(doubts).toHaveLength(1)
  })

  test('takes an answer for lost after 1.2 seconds, or where the time is up before that', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout')
    const { run } = attempts('none', 'none')
    await run(700)
    expect(timeout.mock.calls).toEqual([[1_200], [1_200], [600]])
  })

  test('is told what a step of it has found out', async () => {
    const { call } = attempts()
    const known = new StoreUnavailable('somebody else wrote it', 'unknown')
    await expect(call(() => Promise.reject(known))).rejects.toBe(known)
  })

  test('that others kept from one item says so, for the store is well', async () => {
    const { call, clock } = attempts()
    const refused = call(() => {
      clock.now += 2_000
      return Promise.reject(new Failed('none', 'TransactionConflictException'))
    })
    await expect(refused).rejects.toMatchObject({ outcome: 'none', ofOne: true })
  })
})

describe('what a failed attempt means', () => {
  const service = (name: string, httpStatusCode?: number) =>
    new DynamoDBServiceException({
      name,
      $fault: 'client',
      $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
    })
  const coded = (code: string) => Object.assign(new Error(code), { code })

  test.each<[Verdict, unknown]>([
    ['none', service('ProvisionedThroughputExceededException', 400)],
    ['none', service('ThrottlingException', 400)],
    ['none', service('RequestLimitExceeded', 400)],
    ['none', service('LimitExceededException', 400)],
    ['none', service('TransactionConflictException', 400)],
    ['none', service('RequestTimeTooSkewed', 400)],
    ['unknown', service('TransactionInProgressException', 400)],
    ['unknown', lostAnswer()],
    ['unknown', service('Whatever', 503)],
    ['unknown', service('Whatever')],
    ['final', service('ValidationException', 400)],
    ['final', unmet()],
    ['none', coded('ECONNREFUSED')],
    ['none', coded('ENOTFOUND')],
    ['none', coded('EAI_AGAIN')],
    ['unknown', coded('ECONNRESET')],
    ['unknown', Object.assign(new Error('aborted'), { name: 'AbortError' })],
    ['final', Object.assign(new Error('none found'), { name: 'CredentialsProviderError' })],
    ['unknown', 'no error at all'],
  ])('%s: %s', (verdict, error) => {
    expect(verdictOf(error)).toBe(verdict)
  })

  test.each([new TypeError('ours'), new RangeError('ours')])('a mistake of ours (%s) stays one', (error) => {
    expect(() => verdictOf(error)).toThrow(error)
  })
})
