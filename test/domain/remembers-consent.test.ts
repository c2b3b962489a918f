import { describe, expect, test } from 'vitest'
import type { Consent } from '../../src/domain/consent.ts'
import { widenConsent } from '../../src/domain/remembers-consent.ts'

const given = {
  userId: 'usr_1',
  clientId: 'app',
  scope: ['openid'],
  resources: ['https://one.example'],
  claims: ['name'],
  epoch: 7,
  givenAt: 100,
}
const before: Consent = { ...given, v: 1, scope: ['email'], resources: ['https://two.example'], claims: ['email'] }

describe('widenConsent', () => {
  test('what was agreed to before stays', () => {
    expect(widenConsent(before, given)).toEqual({
      ...given,
      v: 1,
      scope: ['email', 'openid'],
      resources: ['https://two.example', 'https://one.example'],
      claims: ['email', 'name'],
    })
  })

  test('but nothing of a consent from before the account was revoked comes back with it', () => {
    expect(widenConsent({ ...before, epoch: 6 }, given)).toEqual({ ...given, v: 1 })
  })
})
