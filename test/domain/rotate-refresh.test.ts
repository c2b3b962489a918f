import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/protocol/errors.ts'
import type { Grant, Imprint } from '../../src/domain/grant.ts'
import { redeemCode } from '../../src/domain/redeem-code.ts'
import { revokeGrant } from '../../src/domain/revoke-grant.ts'
import { rotateRefresh, type RotateInput } from '../../src/domain/rotate-refresh.ts'
import { eventTypes, grantAfter, grantWithCode, imprint, issuedEvent, slotOf, start } from './fixtures.ts'

const family: Grant = {
  ...grantWithCode,
  refresh: {
    generation: 0,
    current: imprint('r0'),
    idleTtl: 1000,
    idleExpiresAt: start + 1000,
    absoluteExpiresAt: start + 3000,
    lastUsedAt: start,
  },
}

function rotate(grant: Grant | undefined, generation: number, changed: Partial<RotateInput> = {}) {
  return rotateRefresh(slotOf('grant', 'g1', grant), {
    now: start + 100,
    generation,
    imprint: imprint(`r${generation}`),
    clientId: 'app',
    epoch: '1.2.3',
    readyAt: start - 1000,
    fresh: imprint(`r${generation + 1}`),
    accessTtl: 900,
    eventId: 'event',
    issued: { ...issuedEvent, type: 'token.refreshed' },
    address: '192.0.2.1',
    ...changed,
  })
}

function outcomeOf({ result }: ReturnType<typeof rotate>) {
  if (isRefusal(result)) return result.reason
  return result.repeated ? 'repeated' : 'rotated'
}

describe('rotateRefresh', () => {
  test('RFC 9700 §4.14.2: the current token gives way to its successor', () => {
    const decision = rotate(family, 0)
    expect(outcomeOf(decision)).toBe('rotated')
    const refresh = grantAfter(family, decision)?.refresh
    expect(refresh).toMatchObject({
      generation: 1,
      current: imprint('r1'),
      previous: imprint('r0'),
      idleExpiresAt: start + 1100,
    })
    expect(eventTypes(decision)).toEqual(['token.refreshed'])
  })

  test('grace: the immediate predecessor gets the same successor for ten seconds', () => {
    const once = grantAfter(family, rotate(family, 0))
    const again = rotate(once, 0, { now: start + 110, fresh: imprint('never') })
    expect(outcomeOf(again)).toBe('repeated')
    expect(again.result).toMatchObject({ generation: 1, imprint: imprint('r1') })
    expect(again.writes.some((write) => write.op === 'put')).toBe(false)
    // C06: whoever revokes at the same moment wins; the answer stands on the grant as it was read.
    expect(again.writes).toContainEqual(expect.objectContaining({ op: 'check', kind: 'grant', id: 'g1' }))
  })

  test('C12: idle time is never told, nor kept, beyond the end of the family', () => {
    const old = { ...family, refresh: { ...family.refresh, absoluteExpiresAt: start + 500 } } as Grant
    const decision = rotate(old, 0)
    expect(grantAfter(old, decision)?.refresh?.idleExpiresAt).toBe(start + 500)
  })

  test('C01: outside the grace the family dies', () => {
    const once = grantAfter(family, rotate(family, 0))
    const replay = rotate(once, 0, { now: start + 111 })
    expect(outcomeOf(replay)).toBe('refresh_reuse')
    const dead = grantAfter(once, replay)
    expect(dead?.revokedAt).toBe(start + 111)
    expect(outcomeOf(rotate(dead, 1))).toBe('grant_revoked')
  })

  test('C03: the grace ends when the successor is used', () => {
    const once = grantAfter(family, rotate(family, 0))
    const twice = grantAfter(once, rotate(once, 1, { now: start + 101 }))
    expect(outcomeOf(rotate(twice, 0, { now: start + 102 }))).toBe('refresh_reuse')
  })

  test('the grace counts from when the service was ready again', () => {
    const once = grantAfter(family, rotate(family, 0))
    expect(outcomeOf(rotate(once, 0, { now: start + 160, readyAt: start + 150 }))).toBe('repeated')
    expect(outcomeOf(rotate(once, 0, { now: start + 161, readyAt: start + 150 }))).toBe('refresh_reuse')
  })

  test('C09: another client is refused, with an event, and the family lives', () => {
    const decision = rotate(family, 0, { clientId: 'other' })
    expect(outcomeOf(decision)).toBe('refresh_of_other_client')
    expect(eventTypes(decision)).toEqual(['token.refused'])
    expect(grantAfter(family, decision)).toEqual(family)
  })

  test.each([
    ['a generation that was never made', 7, imprint('r7')],
    ['the current generation with another nonce', 0, imprint('other')],
  ])('%s raises the alarm of a store that went back', (_, generation, presented) => {
    const decision = rotate(family, generation, { imprint: presented })
    expect(outcomeOf(decision)).toBe('store_rollback')
    expect(grantAfter(family, decision)).toEqual(family)
  })

  test('C07: a request for more is refused before anything changes', () => {
    const decision = rotate(family, 0, { issued: { error: 'invalid_scope', reason: 'scope_not_held' } })
    expect(outcomeOf(decision)).toBe('scope_not_held')
    expect(decision.writes).toEqual([])
  })

  test('C12: neither idle nor absolute life can be outlived', () => {
    expect(outcomeOf(rotate(family, 0, { now: start + 1000 }))).toBe('refresh_expired')
    let grant: Grant | undefined = family
    let generation = 0
    for (let now = start + 900; now < start + 3000; now += 900) {
      grant = grantAfter(grant, rotate(grant, generation, { now }))
      generation += 1
    }
    expect(grant?.refresh?.generation).toBe(generation)
    expect(outcomeOf(rotate(grant, generation, { now: start + 3000 }))).toBe('refresh_expired')
  })

  test.each([
    ['a bumped epoch', { epoch: '1.3.3' }, family, 'epoch_changed'],
    ['a revoked grant', {}, { ...family, revokedAt: start }, 'grant_revoked'],
    ['a grant without refresh token', {}, grantWithCode, 'unknown_grant'],
  ])('C11: %s is refused', (_, changed, grant, reason) => {
    expect(outcomeOf(rotate(grant, 0, changed))).toBe(reason)
  })
})

describe('any interleaving of redeem, rotate and revoke', () => {
  type Action = { readonly kind: 'redeem' | 'revoke' | 'refresh'; readonly pick: number; readonly wait: number }
  const action: fc.Arbitrary<Action> = fc.record({
    kind: fc.constantFrom('redeem', 'refresh', 'refresh', 'refresh', 'revoke'),
    pick: fc.nat(),
    wait: fc.constantFrom(0, 1, 5, 11),
  })

  test('keeps at most one live lineage, and nothing lives after an acknowledged revocation', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
        let grant: Grant | undefined = grantWithCode
        let now = start + 1
        let fresh = 0
        let redeemed = 0
        let dead = false
        // Every refresh token that ever left the server.
        const handed: { generation: number; imprint: Imprint }[] = []
        const byGeneration = new Map<number, string>()
        for (const { kind, pick, wait } of actions) {
          now += wait
          const slot = slotOf('grant', 'g1', grant)
          const common = {
            now,
            clientId: 'app',
            epoch: '1.2.3',
            accessTtl: 900,
            eventId: 'e',
            issued: issuedEvent,
            address: '',
          }
          if (kind === 'revoke') {
            grant = grantAfter(grant, revokeGrant(slot, { now, eventId: 'e', event: issuedEvent }))
            dead = true
            continue
          }
          fresh += 1
          if (kind === 'redeem') {
            const refresh = { imprint: imprint(`n${fresh}`), idleTtl: 1000, absoluteExpiresAt: start + 5000 }
            const decision = redeemCode(slot, { ...common, imprint: imprint('code'), challenge: 'challenge', refresh })
            if (!isRefusal(decision.result)) {
              redeemed += 1
              expect(dead).toBe(false)
              handed.push({ generation: 0, imprint: refresh.imprint })
              byGeneration.set(0, refresh.imprint.nonce)
            } else if (decision.result.reason === 'code_replayed') dead = true
            grant = grantAfter(grant, decision)
            continue
          }
          const presented = handed[pick % Math.max(handed.length, 1)]
          if (presented === undefined) continue
          const decision = rotateRefresh(slot, {
            ...common,
            ...presented,
            readyAt: start - 100,
            fresh: imprint(`n${fresh}`),
          })
          if (isRefusal(decision.result)) {
            if (decision.result.reason === 'refresh_reuse') dead = true
          } else {
            expect(dead).toBe(false)
            const { generation, imprint: successor } = decision.result
            // One lineage: a generation never has two different tokens.
            expect(byGeneration.get(generation) ?? successor.nonce).toBe(successor.nonce)
            byGeneration.set(generation, successor.nonce)
            handed.push({ generation, imprint: successor })
          }
          grant = grantAfter(grant, decision)
          if (dead) expect(grant?.revokedAt).toBeDefined()
        }
        expect(redeemed).toBeLessThanOrEqual(1)
      }),
      { numRuns: 500 },
    )
  })
})
