import { describe, expect, test } from 'vitest'
import { secretValue } from '../../src/config/secret-value.ts'
import { openAuthenticatorSecret, sealAuthenticatorSecret } from '../../src/keys/authenticator-secret.ts'
import {
  openClientSecret,
  openOneTimeCodeSecret,
  sealClientSecret,
  sealOneTimeCodeSecret,
} from '../../src/keys/client-secrets.ts'
import { protectWith } from '../../src/keys/protection.ts'
import { openDestination, sealErrand } from '../../src/signin/destination.ts'
import { openInteraction, sealInteraction } from '../../src/tokens/carried-interaction.ts'
import { openConnectTicket, sealConnectTicket } from '../../src/tokens/connect-ticket.ts'
import { openAccessToken, sealAccessToken } from '../../src/tokens/sealed.ts'
import { openEnrolment, sealEnrolment } from '../../src/tokens/sealed-enrolment.ts'
import { openPromise, sealPromise } from '../../src/tokens/sealed-promise.ts'
import { printToken } from '../../src/tokens/token-text.ts'
import { newRevocation, unwrapRevocation } from '../../src/upstream/new-revocation.ts'
import { openTokens, sealTokens } from '../../src/upstream/sealed-tokens.ts'
import { claims, fixedKeys, interaction, now } from '../tokens/fixtures.ts'

// L17, L18: whatever is sealed opens as what it was sealed as, and as nothing else: not of the same id, under the same key, in the same instance.

const own = fixedKeys()
const { random } = own
const shared = own.secret('at-rest')
const { keyId } = shared
const keys = {
  ...own,
  secret: () => shared,
  secretById: (_: unknown, id: string) => (id === keyId ? shared : undefined),
}
const instanceId = 'instance'
const id = 'the same id'
const protection = protectWith(shared.key, 'the key', { instanceId, random })
const bytes = random.bytes(20)

type Kind = { readonly seal: () => string; readonly open: (sealed: string) => unknown }

const kept = (kind: 'connection' | 'newcomer'): Kind => {
  const at = { instanceId, kind, id, edition: 1 }
  return {
    seal: () => sealTokens(keys, random, { at, tokens: { accessToken: secretValue('token') } }).sealed,
    open: (sealed) => {
      const opened = openTokens(keys, at, { sealed, keyId })
      return opened === 'unreadable' ? undefined : opened
    },
  }
}
const protectedAs = (kind: string): Kind => ({
  seal: () => protection.seal(kind, id, bytes),
  open: (sealed) => protection.open(kind, id, sealed),
})

const made = await newRevocation({
  clock: { seconds: () => now, millis: () => now * 1000, monotonic: () => 0 },
  random: { ...random, id: () => id },
  protection: () => Promise.resolve(protection),
})

const atRest: Readonly<Record<string, Kind>> = {
  'tokens of a connection': kept('connection'),
  'what a site gave a newcomer': kept('newcomer'),
  'tokens in an errand': {
    seal: () => made.wrap('sealed').sealed,
    open: (sealed) => unwrapRevocation(protection, id, { sealed, wrapped: true }),
  },
  'where somebody was going': {
    seal: () => sealErrand({ keys, random }, { interaction: undefined, next: '/account' }).next?.sealed ?? '',
    open: (sealed) => openDestination({ keys }, { next: { sealed, keyId } }),
  },
  'a key of a ring': protectedAs('key'),
  'a part of a backup': protectedAs('backup'),
  'an authenticator': {
    seal: () => sealAuthenticatorSecret(protection, id, bytes),
    open: (sealed) => openAuthenticatorSecret(protection, id, sealed),
  },
  'a client’s secret': {
    seal: () => sealClientSecret(protection, id, 'secret'),
    open: (sealed) => openClientSecret(protection, id, sealed),
  },
  'a client’s one-time codes': {
    seal: () => sealOneTimeCodeSecret(protection, id, bytes),
    open: (sealed) => openOneTimeCodeSecret(protection, id, sealed),
  },
}

const start = {
  connectionId: id,
  handleHash: 'hash',
  provider: 'etsy',
  scope: [],
  owner: { kind: 'handle' },
  address: '198.51.100.7',
  startedAt: now,
  userCode: 'BBBBBBBB',
} as const
/** Their own text without what stands before it for people and scanners. */
const sealedPart = (text = ''): string => text.slice(text.lastIndexOf('.') + 1)
const notRefused = <T extends object>(read: T): T | undefined => ('refused' in read ? undefined : read)

const carried: Readonly<Record<string, Kind>> = {
  'the start of a connection': {
    seal: () => sealedPart(sealConnectTicket(keys, start, random)),
    open: (sealed) => openConnectTicket(keys, `${keyId}.${sealed}`),
  },
  'an authenticator that is being set up': {
    seal: () => sealedPart(sealEnrolment(keys, { begunAt: id, secret: bytes }, random)),
    open: (sealed) => openEnrolment(keys, id, `${keyId}.${sealed}`),
  },
  'a waiting request': {
    seal: () => sealedPart(sealInteraction(keys, interaction, random)),
    open: (sealed) => openInteraction(keys, `${keyId}.${sealed}`),
  },
  'a caveat of ours': {
    seal: () => sealPromise(keys, { userId: id, maxAge: 300, amr: [] }, random).caveatId.split('.')[2] ?? '',
    open: (sealed) => openPromise(keys, `gthd1.${keyId}.${sealed}`),
  },
  'an access token': {
    seal: () => sealAccessToken(keys, claims, random).split('.')[1] ?? '',
    open: (sealed) => notRefused(openAccessToken(keys, printToken('at', `${keyId}.${sealed}`))),
  },
}

const opens = (open: Kind['open'], sealed: string): boolean => {
  try {
    return open(sealed) !== undefined
  } catch (error) {
    // Nobody may take what parsed by chance for what was found whole.
    expect(String(error)).toContain("doesn't open")
    return false
  }
}

describe.each(Object.entries({ ...atRest, ...carried }))('%s', (name, { seal }) => {
  const sealed = seal()
  test.each(Object.entries({ ...atRest, ...carried }))('as %s', (other, { open }) => {
    expect(opens(open, sealed)).toBe(other === name)
  })
})
