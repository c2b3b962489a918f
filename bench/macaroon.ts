import { createRequire } from 'node:module'
import { randomBytes } from 'node:crypto'
import {
  addCaveats,
  checkWith,
  exactly,
  mintMacaroon,
  notAfter,
  oneOf,
  rootKeyOf,
  verifyMacaroon,
} from '../src/tokens/macaroon/index.ts'
import type { Figure } from './report/result.ts'

/** What is measured of npm `macaroon`, which brings no types. */
type Peer = {
  addFirstPartyCaveat(predicate: string): void
  verify(rootKey: Uint8Array, check: (predicate: string) => string | null): void
}
type PeerLibrary = {
  newMacaroon(parts: { rootKey: Uint8Array; identifier: string; location: string; version: 2 }): Peer
}

/** CPU microseconds for one macaroon with four caveats. */
const most = 20
const roundMillis = 60
const rounds = 9

/** `npm run bench -- macaroon`: minting and verifying with four caveats, npm `macaroon` beside us; CPU time of one, in µs. */
export async function benchMacaroons(): Promise<readonly Figure[]> {
  const peer = createRequire(import.meta.url)('macaroon') as PeerLibrary
  const secret = randomBytes(32)
  const rootKey = rootKeyOf(secret)
  const identifier = 'gth1.0123456789ab.a-random-identifier'
  const location = 'https://login.example.org'
  const predicates = [
    'user = usr_0123456789abcdefghijkl',
    'scope = read',
    'method = GET HEAD',
    'time < 2040-01-01T00:00:00Z',
  ]
  const check = checkWith({
    'user =': exactly('usr_0123456789abcdefghijkl'),
    'scope =': oneOf('read'),
    'method =': oneOf('GET'),
    'time <': notAfter(1_800_000_000),
  })
  const ours = () => addCaveats(mintMacaroon({ rootKey, identifier, location }), predicates)
  const theirs = () => {
    const made = peer.newMacaroon({ rootKey: secret, identifier, location, version: 2 })
    for (const predicate of predicates) made.addFirstPartyCaveat(predicate)
    return made
  }
  const [one, other] = [ours(), theirs()]
  if (!('verified' in verifyMacaroon(one, { rootKey, check }))) throw new Error('the benchmark verifies nothing')
  const rows = [
    ['mint with 4 caveats', ours, theirs],
    [
      'verify with 4 caveats',
      () => verifyMacaroon(one, { rootKey, check }),
      () => other.verify(secret, (predicate) => (check(predicate) ? null : 'not met')),
    ],
  ] as const
  return rows.map(([what, run, beside]) => ({
    what,
    ours: cpuMicroseconds(run),
    unit: 'µs CPU',
    beside: { what: 'npm macaroon', value: cpuMicroseconds(beside) },
    most,
  }))
}

/** The best of several rounds: others on the machine can only make one slower. */
function cpuMicroseconds(run: () => unknown): number {
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
