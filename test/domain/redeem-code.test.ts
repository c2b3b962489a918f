import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/protocol/errors.ts'
import type { Grant } from '../../src/domain/grant.ts'
import { redeemCode, type RedeemInput } from '../../src/domain/redeem-code.ts'
import { eventTypes, grantAfter, grantWithCode, imprint, issuedEvent, slotOf, start } from './fixtures.ts'

const right: RedeemInput = {
  now: start + 5,
  imprint: imprint('code'),
  clientId: 'app',
  challenge: 'challenge',
  redirectUri: 'https://app.example/cb',
  epoch: '1.2.3',
  refresh: { imprint: imprint('r0'), idleTtl: 100, absoluteExpiresAt: start + 1000 },
  accessTtl: 900,
  eventId: 'event',
  issued: issuedEvent,
  address: '192.0.2.1',
}

function redeem(grant: Grant | undefined, changed: Partial<RedeemInput> = {}) {
  return redeemCode(slotOf('grant', 'g1', grant), { ...right, ...changed })
}

function reasonOf(decision: ReturnType<typeof redeem>) {
  return isRefusal(decision.result) ? `${decision.result.error}/${decision.result.reason}` : 'redeemed'
}

describe('redeemCode', () => {
  test('RFC 6749 §4.1.3: the right client, verifier and redirect URI redeem it, with its event', () => {
    const decision = redeem(grantWithCode)
    expect(reasonOf(decision)).toBe('redeemed')
    expect(grantAfter(undefined, decision)?.code?.redeemedAt).toBe(start + 5)
    expect(grantAfter(undefined, decision)?.refresh).toMatchObject({ generation: 0, idleExpiresAt: start + 105 })
    expect(eventTypes(decision)).toEqual(['token.issued'])
  })

  test('OAuth 2.1 §4.1.3: the redirect URI may be left out', () => {
    const { redirectUri: _, ...without } = right
    expect(reasonOf(redeemCode(slotOf('grant', 'g1', grantWithCode), without))).toBe('redeemed')
  })

  test('a grant without refresh token still outlives its access token', () => {
    const { refresh: _, ...without } = right
    const decision = redeemCode(slotOf('grant', 'g1', grantWithCode), without)
    const put = decision.writes.find((write) => write.op === 'put')
    expect(put).toMatchObject({ expiresAt: start + 5 + 3600 })
  })

  const wrong: readonly [string, Partial<RedeemInput>, string][] = [
    ['B09: another client', { clientId: 'other' }, 'code_of_other_client'],
    ['B01: another verifier', { challenge: 'x' }, 'verifier_mismatch'],
    ['B14: another redirect URI', { redirectUri: 'https://app.example/other' }, 'redirect_uri_mismatch'],
  ]
  test.each(wrong)('%s is refused and burns the code', (_, changed, reason) => {
    const decision = redeem(grantWithCode, changed)
    expect(reasonOf(decision)).toBe(`invalid_grant/${reason}`)
    expect(eventTypes(decision)).toEqual(['token.refused'])
    const after = grantAfter(grantWithCode, decision)
    expect(after?.code?.burnedAt).toBe(start + 5)
    expect(reasonOf(redeem(after))).toBe('invalid_grant/code_burned')
  })

  test.each<[string, Grant | undefined, Partial<RedeemInput>, string]>([
    ['an unknown grant', undefined, {}, 'unknown_code'],
    ['a code whose nonce is not the stored one', grantWithCode, { imprint: imprint('other') }, 'unknown_code'],
    ['an expired code', grantWithCode, { now: start + 60 }, 'code_expired'],
    ['a bumped epoch', grantWithCode, { epoch: '1.9.3' }, 'epoch_changed'],
    ['a revoked grant', { ...grantWithCode, revokedAt: start }, {}, 'code_burned'],
  ])('%s is refused and writes nothing', (_, grant, changed, reason) => {
    const decision = redeem(grant, changed)
    expect(reasonOf(decision)).toBe(`invalid_grant/${reason}`)
    expect(decision.writes).toEqual([])
  })

  test('RFC 6749 §4.1.2: a replayed code revokes the grant', () => {
    const once = grantAfter(undefined, redeem(grantWithCode))
    const decision = redeem(once)
    expect(reasonOf(decision)).toBe('invalid_grant/code_replayed')
    expect(grantAfter(once, decision)?.revokedAt).toBe(start + 5)
    expect(eventTypes(decision)).toEqual(['code.replayed'])
  })

  test('a replay also counts after the code would have expired', () => {
    const once = grantAfter(undefined, redeem(grantWithCode))
    expect(grantAfter(once, redeem(once, { now: start + 500 }))?.revokedAt).toBe(start + 500)
  })

  test.each([{ clientId: 'other' }, { challenge: 'x' }])('a replay by %j revokes nothing', (changed) => {
    const once = grantAfter(undefined, redeem(grantWithCode))
    const decision = redeem(once, changed)
    expect(reasonOf(decision)).toBe('invalid_grant/code_redeemed')
    expect(decision.writes).toEqual([])
  })
})
