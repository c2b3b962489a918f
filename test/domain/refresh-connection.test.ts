import { describe, expect, test } from 'vitest'
import type { HeldConnection } from '../../src/domain/connection.ts'
import { append, type Slot } from '../../src/domain/record.ts'
import {
  breakConnection,
  claimRefresh,
  keepRenewed,
  postponeRefresh,
  retryPause,
  stillHolds,
  tokenNeed,
} from '../../src/domain/refresh-connection.ts'

const now = 1_795_000_000

const held: HeldConnection = {
  v: 1,
  provider: 'etsy',
  owner: { kind: 'handle' },
  state: 'active',
  account: '1',
  scope: [],
  sealed: 'sealed 4',
  keyId: 'key',
  edition: 4,
  refreshable: true,
  issuedAt: now - 3600,
  expiresAt: now,
  createdAt: now - 9000,
  updatedAt: now - 3600,
  lastUsedAt: now,
}

const slot = (value: HeldConnection | undefined = held): Slot<'connection'> => ({
  kind: 'connection',
  id: 'c',
  version: 'v',
  value,
})

const event = append('e', { v: 1, type: 'connection.refreshed', at: now })
const renewed = { sealed: 'sealed 5', keyId: 'key', scope: [], edition: 5, issuedAt: now, refreshable: true }

const after = (decision: { readonly writes: readonly unknown[] }): HeldConnection | undefined =>
  (decision.writes[0] as { readonly value: HeldConnection } | undefined)?.value

describe('what has to happen before a token is handed out', () => {
  test.each([
    ['fresh', 0, 'none'],
    ['before four fifths of its life', 2879, 'none'],
    ['after four fifths', 2880, 'soon'],
    ['half a minute before its end', 3570, 'now'],
    ['over', 4000, 'now'],
  ])('L29: %s', (_, age, need) => expect(tokenNeed(held, age)).toBe(need))

  test('without a refresh token it is good to its end, and then over', () => {
    const alone = { ...held, refreshable: false }
    expect([tokenNeed(alone, 3599), tokenNeed(alone, 3600)]).toEqual(['none', 'over'])
  })

  test('where no end is known there is nothing to do, until the API refuses it', () => {
    const { expiresAt: _, ...endless } = held
    expect([tokenNeed(endless, 10 ** 8), tokenNeed(endless, 0, 4), tokenNeed(endless, 0, 3)]).toEqual([
      'none',
      'now',
      'none',
    ])
    expect([stillHolds(endless, 0), stillHolds(endless, 0, 4)]).toEqual([true, false])
  })
})

describe('the intent', () => {
  const claim = (value: HeldConnection, more = {}) =>
    claimRefresh(slot(value), { now, attempt: 'mine', edition: 4, sealed: 'sealed 4', ...more })
  const theirs = { attempt: 'theirs', startedAt: now - 14 }

  test('is written before anybody asks, and lets everybody else be', () => {
    expect(after(claim(held))?.intent).toEqual({ attempt: 'mine', startedAt: now })
    expect(claim({ ...held, intent: theirs })).toEqual({ writes: [], result: { kind: 'busy', intent: theirs } })
  })

  test('is let be however old another clock makes it look; of a process that was seen to be dead it is taken over', () => {
    for (const startedAt of [now - 86_400, now, now + 86_400])
      expect(claim({ ...held, intent: { ...theirs, startedAt } }).result.kind).toBe('busy')
    expect(after(claim({ ...held, intent: theirs }, { abandoned: 'theirs' }))).toMatchObject({
      unsure: true,
      intent: { attempt: 'mine' },
    })
    expect(claim({ ...held, intent: theirs }, { abandoned: 'another' }).result.kind).toBe('busy')
  })

  test.each([
    ['another edition is there', { ...held, edition: 5 }],
    ['something else is sealed than was opened', { ...held, sealed: 'put in its place' }],
    ['it needs its person', { ...held, state: 'needs_reauth' as const }],
    ['there is nothing to refresh with', { ...held, refreshable: false }],
  ])('is not written where %s', (_, value) => expect(claim(value).result.kind).toBe('settled'))

  test('waits while the last ones came to nothing, until whoever asks has let the pause of this very failure go by', () => {
    for (const retryAt of [now - 86_400, now + 5])
      expect(claim({ ...held, failures: 2, retryAt }).result).toEqual({ kind: 'later' })
    expect(claim({ ...held, failures: 2, retryAt: now + 5 }, { waited: 1 }).result.kind).toBe('later')
    expect(claim({ ...held, failures: 2, retryAt: now + 5 }, { waited: 2 }).result.kind).toBe('claimed')
  })
})

describe('what came of it', () => {
  test('INV6: is kept, however late, as long as it is the newest there is', () => {
    const givenUp = { ...held, state: 'needs_reauth' as const, reason: 'invalid_grant' }
    for (const value of [held, { ...held, intent: { attempt: 'theirs', startedAt: now } }, givenUp]) {
      const kept = keepRenewed(slot(value), renewed, { event, now })
      expect([kept.result, after(kept)]).toEqual(['kept', expect.objectContaining({ state: 'active', edition: 5 })])
      expect(after(kept)).not.toHaveProperty('intent')
      expect(after(kept)).not.toHaveProperty('reason')
      expect(kept.writes).toContain(event)
    }
  })

  test('never goes over something newer, nor brings back what was ended or restored', () => {
    const superseded = { writes: [], result: 'superseded' }
    expect(keepRenewed(slot({ ...held, edition: 5 }), renewed, { event, now })).toEqual(superseded)
    expect(keepRenewed(slot({ ...held, reason: 'restored' }), renewed, { event, now })).toEqual(superseded)
    const { id, kind, version } = slot()
    expect(keepRenewed({ id, kind, version, value: undefined }, renewed, { event, now })).toEqual(superseded)
  })

  test('L21: a no counts only for the attempt that got it', () => {
    const mine = { ...held, intent: { attempt: 'mine', startedAt: now } }
    const broken = { edition: 4, attempt: 'mine', reason: 'invalid_grant' }
    expect(after(breakConnection(slot(mine), broken, { event, now }))).toMatchObject({
      state: 'needs_reauth',
      reason: 'invalid_grant',
    })
    for (const value of [held, { ...mine, edition: 5 }, { ...mine, intent: { attempt: 'theirs', startedAt: now } }])
      expect(breakConnection(slot(value), broken, { event, now })).toEqual({ writes: [], result: 'superseded' })
  })

  test('L19: where an older edition was put back, what comes next comes after the newest there was', () => {
    const broken = { edition: 4, reason: 'unreadable', newest: 7 }
    expect(after(breakConnection(slot(held), broken, { event, now }))).toMatchObject({
      state: 'needs_reauth',
      edition: 7,
    })
  })

  test('no answer leaves what is kept, and lets go of the intent', () => {
    const mine = { ...held, failures: 2, intent: { attempt: 'mine', startedAt: now } }
    const failure = { reason: 'upstream_unavailable', why: 'timeout' } as const
    const failed = { edition: 4, attempt: 'mine', pause: 8, maybeUsed: true, failure }
    const kept = after(postponeRefresh(slot(mine), failed, { event, now }))
    expect(kept).toMatchObject({ sealed: 'sealed 4', failures: 3, retryAt: now + 8, pause: 8, unsure: true, failure })
    expect(kept).not.toHaveProperty('intent')
    expect(postponeRefresh(slot(held), failed, { event, now }).writes).toEqual([])
  })

  test.each([
    ['an outage', 'upstream_unavailable', 'timeout', undefined, false],
    ['a refusal', 'upstream_refused', 'invalid_client', undefined, true],
    ['the same refusal again', 'upstream_refused', 'invalid_client', 'invalid_client', false],
    ['another refusal', 'upstream_refused', 'unauthorized_client', 'invalid_client', true],
    ['a refusal after an outage', 'upstream_refused', 'invalid_client', 'timeout', true],
    ['nonsense', 'upstream_malformed', 'OAUTH_PARSE_ERROR', undefined, true],
  ] as const)('INV6: %s is an event where asking again won’t mend it, once', (_, reason, why, before, told) => {
    const mine = { ...held, intent: { attempt: 'mine', startedAt: now } }
    const value = before === undefined ? mine : { ...mine, failure: { reason, why: before } }
    const failed = { edition: 4, attempt: 'mine', pause: 8, maybeUsed: false, failure: { reason, why } }
    expect(postponeRefresh(slot(value), failed, { event, now }).writes.includes(event)).toBe(told)
  })

  test.each([
    [0, 0.999, undefined, 1],
    [3, 0, undefined, 4],
    [3, 0.999, undefined, 8],
    [30, 0.999, undefined, 300],
    [0, 0, 17, 17],
    [0, 0, 999_999, 3600],
  ])('after %i failures, by chance %f and asked for %s s, the next waits %i s', (failures, chance, asked, pause) =>
    expect(retryPause(failures, chance, asked)).toBe(pause),
  )
})
