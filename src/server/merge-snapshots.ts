import type { CounterName, Distribution, RouteCounts, Snapshot } from './metrics.ts'
import type { PlainDistribution, PlainSnapshot } from './worker-message.ts'

/** Of these the worst worker's value tells something, of all other gauges the sum. */
const worst: ReadonlySet<string> = new Set(['event_loop_delay_seconds', 'overload_pressure'])

export function plainSnapshot({ routes, issued, refused, commits, counters, gauges }: Snapshot): PlainSnapshot {
  return {
    routes: routes
      .filter(({ statuses }) => statuses.size > 0)
      .map(({ method, route, statuses, seconds }) => ({
        method,
        route,
        statuses: [...statuses],
        seconds: plain(seconds),
      })),
    issued: [...issued],
    refused: [...refused],
    commits: plain(commits),
    counters: [...counters],
    gauges: gauges.map(({ name, help, read }) => ({ name, help, value: read() })),
  }
}

/** One server's numbers from those of its processes. */
export function mergeSnapshots(parts: readonly PlainSnapshot[]): Snapshot {
  const routes = new Map<string, RouteCounts & { readonly statuses: Map<number, number> }>()
  const issued = new Map<string, number>()
  const refused = new Map<string, number>()
  const counters = new Map<CounterName, number>()
  const gauges = new Map<string, { readonly help: string; value: number }>()
  let commits: Distribution | undefined
  for (const part of parts) {
    for (const { method, route, statuses, seconds } of part.routes) {
      const known = routes.get(`${method} ${route}`)
      if (known === undefined)
        routes.set(`${method} ${route}`, { method, route, statuses: new Map(statuses), seconds: countedFrom(seconds) })
      else {
        addAll(known.statuses, statuses)
        addTo(known.seconds, seconds)
      }
    }
    addAll(issued, part.issued)
    addAll(refused, part.refused)
    addAll(counters, part.counters)
    if (commits === undefined) commits = countedFrom(part.commits)
    else addTo(commits, part.commits)
    for (const { name, help, value } of part.gauges) {
      const known = gauges.get(name)
      if (known === undefined) gauges.set(name, { help, value })
      else known.value = worst.has(name) ? Math.max(known.value, value) : known.value + value
    }
  }
  return {
    routes: [...routes.values()],
    issued,
    refused,
    counters,
    commits: commits ?? { bounds: [], counts: new Float64Array(1), sum: 0 },
    gauges: [...gauges].map(([name, { help, value }]) => ({ name, help, read: () => value })),
  }
}

function plain({ bounds, counts, sum }: Distribution): PlainDistribution {
  return { bounds, counts: [...counts], sum }
}

function countedFrom({ bounds, counts, sum }: PlainDistribution): Distribution {
  return { bounds, counts: Float64Array.from(counts), sum }
}

function addTo(to: Distribution, { counts, sum }: PlainDistribution): void {
  for (const [index, count] of counts.entries()) to.counts[index] = (to.counts[index] ?? 0) + count
  to.sum += sum
}

function addAll<K>(to: Map<K, number>, counts: readonly (readonly [K, number])[]): void {
  for (const [label, count] of counts) to.set(label, (to.get(label) ?? 0) + count)
}
