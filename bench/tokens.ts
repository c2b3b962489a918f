// What one token costs, without HTTP or store: node bench/tokens.ts
import { createRandom } from '../src/crypto/random.ts'
import { deriveMacKey } from '../src/crypto/mac.ts'
import { keyLifetimes } from '../src/domain/key-lifecycle.ts'
import { openKeys } from '../src/keys/keys.ts'
import { protectWith } from '../src/keys/protection.ts'
import { openMemoryStore } from '../src/store/memory.ts'
import type { Issuance } from '../src/tokens/issuance.ts'
import { mint } from '../src/tokens/mint.ts'
import { printRefreshToken, readRefreshToken } from '../src/tokens/refresh.ts'
import { printToken } from '../src/tokens/token-text.ts'
import { verifyAccess } from '../src/tokens/verify.ts'

const random = createRandom()
const clock = {
  millis: () => Date.now(),
  seconds: () => Math.floor(Date.now() / 1000),
  monotonic: () => performance.now(),
}
const { store, admin } = openMemoryStore()
const protection = protectWith(deriveMacKey(random.text(48), 'bench'), 'the bench', { instanceId: 'bench', random })
const opening = performance.now()
const keys = await openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => {} })
const firstStart = performance.now() - opening
const reopening = performance.now()
await openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => {} })
const laterStart = performance.now() - reopening

const issuer = 'https://login.example.org'
const now = clock.seconds()
const issuance: Issuance = {
  issuer,
  client: { clientId: 'bench-client', idTokenAlgorithm: 'RS256' },
  subject: 'usr_0123456789abcdefghijkl',
  scope: ['openid', 'profile', 'email'],
  audience: ['https://api.example'],
  format: 'jwt',
  ttl: 900,
  now,
  jti: random.id(clock.millis()),
  grantId: random.id(clock.millis()),
  epoch: '1.1764000000000.1764000000001',
  authentication: { authTime: now, acr: 'urn:acr', amr: ['pwd'], sessionId: random.id(clock.millis()) },
}
const jwt = mint(keys, issuance).accessToken
const opaque = mint(keys, { ...issuance, format: 'opaque' }).accessToken
const imprint = { nonce: random.text(16), keyId: keys.secret('mac').keyId }
const refresh = { recordId: random.id(clock.millis()), generation: 7, imprint }
const refreshToken = printRefreshToken(keys, refresh)
const forged = printToken('rt', `${refreshToken.slice('gth_rt_00000000_'.length, -2)}AA`)
const expected = { issuer, now }
const withIdToken = (idTokenAlgorithm: 'ES256' | 'RS256' | 'EdDSA'): Issuance => ({
  ...issuance,
  client: { clientId: 'bench-client', idTokenAlgorithm },
  format: 'opaque',
  idToken: { ttl: 3600, claims: {} },
})

const works: Record<string, { readonly run: () => unknown; readonly target?: number }> = {
  'mint JWT ES256': { run: () => mint(keys, issuance), target: 28 },
  'mint opaque': { run: () => mint(keys, { ...issuance, format: 'opaque' }), target: 8 },
  'mint opaque and ID token ES256': { run: () => mint(keys, withIdToken('ES256')) },
  'mint opaque and ID token EdDSA': { run: () => mint(keys, withIdToken('EdDSA')) },
  'mint opaque and ID token RS256': { run: () => mint(keys, withIdToken('RS256')) },
  'verify JWT ES256 again': { run: () => verifyAccess(keys, jwt, expected) },
  'verify opaque again': { run: () => verifyAccess(keys, opaque, expected), target: 8 },
  'print refresh token': { run: () => printRefreshToken(keys, refresh) },
  'read refresh token': { run: () => readRefreshToken(keys, refreshToken) },
  'refuse a forged refresh token': { run: () => readRefreshToken(keys, forged) },
  'new record id': { run: () => random.id(1_764_000_000_000) },
  'random stamp': { run: () => random.stamp() },
}

const roundMillis = 60
const rounds = 9

/** The best of several rounds: others on the machine can only make one slower. */
function microseconds(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const until = performance.now() + roundMillis
    const started = process.cpuUsage()
    let count = 0
    while (performance.now() < until) {
      for (let index = 0; index < 16; index++) run()
      count += 16
    }
    const { user, system } = process.cpuUsage(started)
    if (round > 0) best = Math.min(best, (user + system) / count)
  }
  return best
}

console.log(`first start ${firstStart.toFixed(0)} ms (RSA found), later start ${laterStart.toFixed(1)} ms`)
console.log(`JWT ${jwt.length} characters, opaque ${opaque.length}, refresh ${refreshToken.length}`)
for (const [name, { run, target }] of Object.entries(works)) {
  const goal = target === undefined ? '' : `  (goal ${target})`
  console.log(`${name.padEnd(34)}${microseconds(run).toFixed(2).padStart(8)} µs${goal}`)
}
await admin.close()
