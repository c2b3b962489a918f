/** Upper bounds of the duration buckets, in seconds. */
export const durationBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const
export const commitBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5] as const

/** Beyond this many values of a label the rest is `other`: no series is ever named by a stranger. */
const mostLabels = 200

/** A distribution as plain numbers: counts per bucket (the last is what exceeded all bounds), and the sum. */
export type Distribution = { readonly bounds: readonly number[]; readonly counts: Float64Array; sum: number }

export type RouteCounts = {
  readonly method: string
  readonly route: string
  readonly statuses: Map<number, number>
  readonly seconds: Distribution
}

/** What is counted, as plain numbers; `metrics-text.ts` prints them when somebody asks. */
export type Metrics = {
  /** A row for a route, made once at start; `observe` takes it, so that a request costs two additions. */
  readonly route: (method: string, route: string) => RouteCounts
  readonly observe: (counts: RouteCounts, status: number, millis: number) => void
  readonly issued: (grantType: string) => void
  readonly refused: (reason: string) => void
  readonly storeCommit: (millis: number) => void
  /** Something that has a value at any time. Names are ours. */
  readonly gauge: (name: string, help: string, read: () => number) => void
  readonly count: (name: CounterName) => void
  readonly snapshot: () => Snapshot
}

export const counterNames = {
  shed_requests: 'Requests turned away because of overload',
  aborted_requests: 'Requests whose client went away before the answer',
  malformed_requests: 'Connections closed because what came was not HTTP, or came too slowly',
  dropped_connections: 'Connections refused or closed because there were too many',
  repeated_challenges: 'Authorization requests with the PKCE challenge of another request of the same client',
  unhandled_rejections: 'Promises that failed with nobody listening: each is a bug',
} as const
export type CounterName = keyof typeof counterNames

export type Snapshot = {
  readonly routes: readonly RouteCounts[]
  readonly issued: ReadonlyMap<string, number>
  readonly refused: ReadonlyMap<string, number>
  readonly commits: Distribution
  readonly counters: ReadonlyMap<CounterName, number>
  readonly gauges: readonly { readonly name: string; readonly help: string; readonly read: () => number }[]
}

export function createMetrics(): Metrics {
  const routes: RouteCounts[] = []
  const issued = new Map<string, number>()
  const refused = new Map<string, number>()
  const commits = distribution(commitBounds)
  const counters = new Map<CounterName, number>(Object.keys(counterNames).map((name) => [name as CounterName, 0]))
  const gauges: { name: string; help: string; read: () => number }[] = []

  return {
    route: (method, route) => {
      const counts = { method, route, statuses: new Map<number, number>(), seconds: distribution(durationBounds) }
      routes.push(counts)
      return counts
    },
    observe: (counts, status, millis) => {
      counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1)
      add(counts.seconds, millis / 1000)
    },
    issued: (grantType) => increment(issued, grantType),
    refused: (reason) => increment(refused, reason),
    storeCommit: (millis) => add(commits, millis / 1000),
    gauge: (name, help, read) => void gauges.push({ name, help, read }),
    count: (name) => increment(counters, name),
    snapshot: () => ({ routes, issued, refused, commits, counters, gauges }),
  }
}

function increment<K extends string>(counts: Map<K | 'other', number>, label: K): void {
  const known = counts.get(label)
  if (known !== undefined) counts.set(label, known + 1)
  else if (counts.size < mostLabels) counts.set(label, 1)
  else counts.set('other', (counts.get('other') ?? 0) + 1)
}

function distribution(bounds: readonly number[]): Distribution {
  return { bounds, counts: new Float64Array(bounds.length + 1), sum: 0 }
}

function add(to: Distribution, value: number): void {
  let bucket = 0
  while (bucket < to.bounds.length && value > (to.bounds[bucket] ?? 0)) bucket += 1
  to.counts[bucket] = (to.counts[bucket] ?? 0) + 1
  to.sum += value
}
