import { describe, expect, test } from 'vitest'
import { cleanDeviceName, deviceNameOf } from '../../src/domain/device-name.ts'
import { bumpedEpoch, epochOf } from '../../src/domain/epoch.ts'
import { releaseClaims } from '../../src/domain/release-claims.ts'
import { widenConsent } from '../../src/domain/remembers-consent.ts'
import { isSessionAlive, needsTouch, startSession } from '../../src/domain/session-state.ts'
import { signInBar } from '../../src/domain/sign-in-bar.ts'
import { client, instance, start, user } from './fixtures.ts'

describe('epochs', () => {
  test('a bump never repeats an epoch, even if the clock stepped back', () => {
    expect(bumpedEpoch(5, 1000)).toBe(1000)
    expect(bumpedEpoch(5000, 1000)).toBe(5001)
  })

  test('each of the three parts changes the whole', () => {
    const all = [
      epochOf(instance, user, client),
      epochOf({ ...instance, epoch: 9 }, user, client),
      epochOf(instance, { ...user, epoch: 9 }, client),
      epochOf(instance, user, { ...client, epoch: 9 }),
      epochOf(instance, undefined, client),
    ]
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('who signs in', () => {
  test.each([
    [{ bot: false, locked: false }, undefined],
    [{ bot: false, locked: true }, 'locked'],
    [{ bot: true, locked: false }, 'bot'],
    [{ bot: true, locked: true }, 'bot'],
  ] as const)('%j: %s', (account, bar) => expect(signInBar({ ...user, ...account })).toBe(bar))
})

describe('sessions', () => {
  const session = startSession({
    user,
    instance,
    now: start,
    persistent: false,
    amr: [],
    acr: 'pwd',
    nonce: 'n',
    keyId: 'k',
    device: '',
  })
  test.each([
    ['fresh', session, user, instance, start, true],
    ['idle too long', session, user, instance, start + session.idleTtl, false],
    [
      'used until its absolute end',
      { ...session, lastSeenAt: session.absoluteExpiresAt - 1 },
      user,
      instance,
      session.absoluteExpiresAt,
      false,
    ],
    ['of a locked account', session, { ...user, locked: true }, instance, start, false],
    ['of an account that is a bot', session, { ...user, bot: true }, instance, start, false],
    ['from before a password change', session, { ...user, epoch: user.epoch + 1 }, instance, start, false],
    ['from before everybody was revoked', session, user, { ...instance, epoch: 2 }, start, false],
    ['of another account', session, { ...user, userId: 'usr_2' }, instance, start, false],
  ] as const)('a session %s', (_, held, person, place, now, alive) => {
    expect(isSessionAlive({ session: held, user: person, instance: place }, now)).toBe(alive)
  })

  test('"remember me" lives longer', () => {
    const kept = startSession({
      user,
      instance,
      now: start,
      persistent: true,
      amr: [],
      acr: 'pwd',
      nonce: 'n',
      keyId: 'k',
      device: '',
    })
    expect(kept.absoluteExpiresAt).toBeGreaterThan(session.absoluteExpiresAt)
  })

  test('a use is written down only now and then', () => {
    expect(needsTouch(session, start + 10)).toBe(false)
    expect(needsTouch(session, start + session.idleTtl / 2)).toBe(true)
  })
})

describe('claims', () => {
  const person = { ...user, fullName: 'Ada Lovelace', email: 'ada@example.org', emailVerified: true }
  test('OIDC Core §5.4: by scope', () => {
    expect(releaseClaims(person, ['openid'], undefined)).toEqual({})
    expect(releaseClaims(person, ['email'], undefined)).toEqual({ email: 'ada@example.org', email_verified: true })
    expect(releaseClaims(person, ['profile'], undefined)).toMatchObject({
      name: 'Ada Lovelace',
      preferred_username: 'ada',
    })
    expect(releaseClaims(person, ['roles'], undefined)).toEqual({ role: person.role, bot: false, account_scopes: [] })
  })

  test('no power over this server is told as a scope of the account, whatever an older version let it be given', () => {
    const given = { ...person, scopes: ['admin', 'pay', 'vault', 'introspect', 'vault:etsy', 'admin:read'] }
    expect(releaseClaims(given, ['roles'], undefined)).toMatchObject({
      account_scopes: ['pay', 'introspect', 'vault:etsy'],
    })
  })

  test('OIDC Core §5.5: by name, and never a protocol claim or an unknown one (B31)', () => {
    const requested = {
      email: { essential: true },
      sub: { essential: true },
      iss: { essential: true },
      role: { essential: true },
      bot: { essential: true },
      account_scopes: { essential: true },
    }
    expect(releaseClaims(person, [], requested)).toEqual({ email: 'ada@example.org' })
  })

  test('a scope called like a property of every object is only a scope', () => {
    expect(releaseClaims(person, ['constructor', '__proto__', 'toString'], undefined)).toEqual({})
  })
})

describe('consent', () => {
  const given = {
    userId: 'usr_1',
    clientId: 'app',
    scope: ['read'],
    resources: [],
    claims: [],
    epoch: 2,
    givenAt: start,
  }
  test('adds to what was agreed before', () => {
    expect(widenConsent({ v: 1, ...given, scope: ['write'] }, given).scope).toEqual(['write', 'read'])
  })
  test('FLT-26: keeps what a newer program noted', () => {
    const newer = { v: 1 as const, ...given, fromTomorrow: 'kept' }
    expect(widenConsent(newer, given)).toHaveProperty('fromTomorrow', 'kept')
  })
  test('forgets what was agreed before the account was revoked', () => {
    expect(widenConsent({ v: 1, ...given, scope: ['write'], epoch: 1 }, given).scope).toEqual(['read'])
  })
})

describe('device names', () => {
  test.each([
    [undefined, 'unknown device'],
    ['curl/8.1', 'curl'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
  ])('%s → %s', (userAgent, name) => {
    expect(deviceNameOf(userAgent)).toBe(name)
  })
  test('control and direction characters go', () => {
    expect(cleanDeviceName(' my\u202E phone\n')).toBe('my phone')
    expect(cleanDeviceName('\u0000')).toBeUndefined()
  })
})
