import { describe, expect, test } from 'vitest'
import { fence, kinds, returningKinds } from '../../src/domain/fence.ts'
import type { Factors } from '../../src/domain/factors.ts'
import type { Grant } from '../../src/domain/grant.ts'
import type { Instance } from '../../src/domain/instance.ts'
import { ref, type Kind, type RecordValues } from '../../src/domain/record.ts'

const at = { now: 1_700_000_000, millis: 1_700_000_000_500 }
const before = at.now - 86_400

/** What a value becomes on its way back from a backup. */
function back<K extends Kind>(kind: K, value: Partial<RecordValues[K]>): RecordValues[K] | undefined {
  return fence<K>({ ...ref(kind, 'one'), version: 'v', value: value as RecordValues[K] }, at)
}

describe('FLT-33: what comes back from a backup', () => {
  // By name: whoever adds a kind decides here once more.
  test('is what proves, names and holds; nothing that waits, counts, was sent or is under way', () => {
    expect(kinds.filter((kind) => !returningKinds.includes(kind))).toEqual([
      'relay',
      'consent',
      'session',
      'attempt',
      'interaction',
      'flow',
      'newcomer',
      'ticket',
      'outbox',
      'withdrawal',
      'once',
      'change',
      'lease',
    ])
  })

  test.each<readonly [string, Partial<Grant>, Partial<Grant> | undefined]>([
    ['a code that nobody has redeemed yet', { code: { redeemedAt: undefined } as never }, undefined],
    ['a family', { code: { redeemedAt: before } as never }, { revokedAt: at.now }],
    ['a token without a code', {}, { revokedAt: at.now }],
    ['what was revoked already', { revokedAt: before }, { revokedAt: before }],
  ])('%s says that it is over, beside the epoch that ends it', (_what, grant, expected) => {
    const found = back('grant', grant)
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toMatchObject(expected)
  })

  test.each<readonly [string, number, number]>([
    ['an older mark is raised: no clock begins before the restore', before, at.now],
    ['a later one stays: no clock begins before what was seen', at.now + 60, at.now + 60],
  ])('%s', (_what, highWaterAt, expected) => {
    const instance: Partial<Instance> = { generation: 3, epoch: 5, highWaterAt }
    expect(back('instance', instance)).toMatchObject({ generation: 4, epoch: at.millis, highWaterAt: expected })
  })

  test('no recovery code comes back, where there is no app either', () => {
    const factors: Partial<Factors> = { recoveryHashes: ['h'] }
    expect(back('factors', factors)).toEqual({ recoveryHashes: [] })
  })
})
