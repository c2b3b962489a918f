import type { FlowName } from './load/flows/registry.ts'
import { benchMacaroons } from './macaroon.ts'
import type { Outcome } from './load/main.ts'
import { benchPasswordQueue } from './password-queue.ts'
import type { Figure } from './report/result.ts'
import { benchResource } from './resource.ts'
import { runRawUpdates } from './run-raw.ts'
import type { RoundOptions } from './run-round.ts'
import {
  byTwoWorkers,
  gatehouseOfClone,
  gatehouseWithoutHashing,
  onSlowDisk,
  withoutHashing,
} from './sides/gatehouse.ts'
import { bareFastify, peerInMemory, peerOnSqlite } from './sides/peers.ts'
import type { Side } from './sides/side.ts'
import { benchOutage, benchRecall } from './vault-faults.ts'
import { benchVaultStarts } from './vault-starts.ts'
import { benchVault } from './vault.ts'

/** How much of something is measured. */
export type Sizes = {
  /** Starts of connections that nobody follows. */
  readonly strangers: number
  /** Connections of providers that are out. */
  readonly expiring: number
  /** Connections of a provider that is recalled. */
  readonly recalled: number
}

export type Scenario = { readonly name: string; readonly what: string } & (
  | {
      readonly kind: 'load'
      readonly rows: readonly Row[]
      /** Connections, where their number is what it is about. */
      readonly lanes?: number
    }
  | { readonly kind: 'memory' | 'start'; readonly sides: readonly Side[] }
  /** Without rounds of load: it measures by itself. */
  | {
      readonly kind: 'alone'
      readonly title: string
      readonly measure: (plan: Sizes) => Promise<readonly Figure[]>
    }
)

/** `cores`: what so many could do by their CPU time, since the load takes part of one wherever there are but two. */
export type Keeps = { readonly reach: number; readonly moonshot: number; readonly cores?: number }

/** One side under load. Within a scenario the load is the same on every side. */
export type Row = {
  readonly side: Pick<Side, 'name' | 'title'> &
    (Side | { readonly measure: (options: RoundOptions) => Promise<Outcome> })
  readonly flow: FlowName
  /** Connections, where a side has more cores than the others. */
  readonly lanes?: number
  /** What to reach beside this peer, and what we are after. Absent on ours. */
  readonly target?: { readonly reach: number; readonly moonshot: number }
  /** Which share of our own throughput is to be kept on this side. */
  readonly keeps?: Keeps
  readonly note?: string
}

const of = (reach: number, moonshot: number): NonNullable<Row['target']> => ({ reach, moonshot })

/** Every bench, with the side that is ours. */
export const scenariosOf = (gatehouse: Side): readonly Scenario[] => {
  const beside = (
    flow: FlowName,
    memory: Row['target'],
    sqlite: Row['target'],
    ours: { side?: Side; flow?: FlowName; note?: string } = {},
  ): Row[] => [
    { side: peerInMemory, flow, ...(memory && { target: memory }) },
    ...(sqlite === undefined ? [] : [{ side: peerOnSqlite, flow, target: sqlite }]),
    { side: ours.side ?? gatehouse, flow: ours.flow ?? flow, ...(ours.note !== undefined && { note: ours.note }) },
  ]

  return [
    {
      name: 'cc-opaque',
      what: 'client credentials, opaque token',
      kind: 'load',
      rows: beside('cc-opaque', of(2, 3), of(8, 14)),
    },
    {
      name: 'cc-jwt',
      what: 'client credentials, ES256 JWT',
      kind: 'load',
      rows: beside('cc-jwt', of(1.8, 2.6), undefined),
    },
    {
      name: 'introspect-opaque',
      what: 'introspection of an opaque token',
      kind: 'load',
      rows: beside('introspect-opaque', of(2.5, 3.5), of(4, 6)),
    },
    {
      name: 'introspect-jwt',
      what: 'introspection of an ES256 JWT (the peer, which refuses JWTs there, gets an opaque one)',
      kind: 'load',
      rows: beside('introspect-opaque', of(2.5, 3.5), of(4, 6), { flow: 'introspect-jwt' }),
    },
    {
      name: 'refresh',
      what: 'refresh with rotation: opaque access token, ES256 ID token, next refresh token',
      kind: 'load',
      rows: beside('refresh', of(1.7, 2.3), of(6, 11)),
    },
    {
      name: 'refresh-raw',
      what: 'the same beside bare row updates on SQLite, 25 to a commit: no HTTP, no token, no event',
      kind: 'load',
      rows: [
        {
          side: { name: 'raw-sqlite', title: 'row updates of a grant’s size, nothing else', measure: runRawUpdates },
          flow: 'refresh',
          target: of(0.4, 0.6),
        },
        { side: gatehouse, flow: 'refresh' },
      ],
    },
    {
      name: 'code-flow',
      what: 'code flow with a session: authorize, token (access, ID and refresh token)',
      kind: 'load',
      rows: beside('code-flow', of(2.5, 4.5), of(8, 17)),
    },
    {
      name: 'sign-in',
      what: 'a new browser: sign-in, consent, code, tokens; no password hashing on either side',
      kind: 'load',
      rows: beside('sign-in', of(2.5, 4), undefined, {
        side: gatehouseWithoutHashing,
        note: 'embedded by `ours/serve-without-hashing.ts`: a password pool that compares in place of argon2id, nothing else changed',
      }),
    },
    {
      name: 'slow-fsync',
      what: 'client credentials, opaque token, 256 at once, when every fsync takes 1 ms more',
      kind: 'load',
      lanes: 256,
      rows: [
        { side: onSlowDisk(gatehouse), flow: 'cc-opaque', keeps: of(0.5, 0.75) },
        { side: gatehouse, flow: 'cc-opaque' },
      ],
    },
    {
      name: 'workers',
      what: 'refresh by two workers on two cores, the first process and the writer included, beside one process on one',
      kind: 'load',
      rows: [
        // As many connections for each core, so that neither side has fewer requests to share a turn or a commit.
        { side: byTwoWorkers(gatehouse), flow: 'refresh', lanes: 64, keeps: { ...of(1.6, 1.85), cores: 2 } },
        { side: gatehouse, flow: 'refresh' },
      ],
    },
    { name: 'jwks', what: 'the key set', kind: 'load', rows: beside('jwks', of(2, 3), undefined) },
    {
      name: 'discovery',
      what: 'the OpenID configuration',
      kind: 'load',
      rows: beside('discovery', of(2, 3), undefined),
    },
    {
      name: 'floor',
      what: 'a form POST through bare Fastify, for proportion',
      kind: 'load',
      rows: [{ side: bareFastify, flow: 'bare-post' }],
    },
    {
      name: 'memory',
      what: 'resident memory, idle and after a million opaque tokens',
      kind: 'memory',
      sides: [gatehouse],
    },
    {
      name: 'start',
      what: 'process start to ready, on an existing store',
      kind: 'start',
      sides: [peerInMemory, peerOnSqlite, gatehouse],
    },
    {
      name: 'macaroon',
      what: 'minting and verifying a macaroon with four caveats, without a server',
      kind: 'alone',
      title: '`src/tokens/macaroon`, CPU time of the best of eight rounds',
      measure: benchMacaroons,
    },
    {
      name: 'resource',
      what: 'a JWT at an API, from the header to the caller',
      kind: 'alone',
      title: '`gatehouse/resource`, CPU time of the best of seven rounds',
      measure: benchResource,
    },
    {
      name: 'vault',
      what: 'tokens of other services: one refresh for 500 who ask at once, and fetches beside a row read',
      kind: 'alone',
      title: 'the vault on SQLite, in one process with who asks',
      measure: benchVault,
    },
    {
      name: 'password-queue',
      what: 'the p99 of `/oauth/token` while the queue for password hashing is full of guesses',
      kind: 'alone',
      title: 'Gatehouse on SQLite, any core, medians of five rounds that took turns',
      measure: () => benchPasswordQueue(gatehouse),
    },
    {
      name: 'vault-starts',
      what: 'what a million starts of connections that nobody follows leave in memory and on disk',
      kind: 'alone',
      title:
        'Gatehouse on SQLite, any core, asked over HTTP from 65,000 addresses of 127/8, 200 times by each that is measured',
      measure: ({ strangers }) => benchVaultStarts(gatehouse, strangers),
    },
    {
      name: 'vault-outage',
      what: 'FLT-28: providers that are out, and whose provider is well',
      kind: 'alone',
      title: 'the vault in memory, in one process with the providers',
      measure: ({ expiring }) => benchOutage(expiring),
    },
    {
      name: 'vault-recall',
      what: 'L25: every connection of a provider ended by one call',
      kind: 'alone',
      title: 'the vault on SQLite, in one process with who asks',
      measure: ({ recalled }) => benchRecall(recalled),
    },
  ]
}

/** Ours beside ours of another clone, in every bench that puts a load on a server. A tenth dearer than before is a bug. */
export const besideBefore = (scenarios: readonly Scenario[], clone: string): readonly Scenario[] =>
  scenarios.flatMap((scenario) => {
    const ours = scenario.kind === 'load' ? scenario.rows.at(-1) : undefined
    if (scenario.kind !== 'load' || ours === undefined) return []
    const before = gatehouseOfClone(clone)
    const side = ours.side === gatehouseWithoutHashing ? withoutHashing(before, clone) : before
    return [{ ...scenario, rows: [{ side, flow: ours.flow, target: of(0.9, 1) }, ours] }]
  })
