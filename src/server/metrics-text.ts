import { counterNames, type CounterName, type Distribution, type Metrics, type Snapshot } from './metrics.ts'

type Labels = Readonly<Record<string, string>>

/** Prints what was counted in the text format of Prometheus. The library is loaded here, when metrics are wanted at all. */
export async function createMetricsText(metrics: Pick<Metrics, 'snapshot'>): Promise<() => Promise<string>> {
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })

  counter(
    'gatehouse_requests',
    { help: 'Answered requests', labelNames: ['method', 'route', 'status'] },
    ({ routes }) =>
      routes.flatMap(({ method, route, statuses }) =>
        [...statuses].map(([status, count]) => [{ method, route, status: String(status) }, count] as const),
      ),
  )
  histogram('gatehouse_request_seconds', 'Time from the head of a request to its answer', ({ routes }) =>
    routes
      .filter(({ statuses }) => statuses.size > 0)
      .map(({ method, route, seconds }) => ({ labels: { method, route }, distribution: seconds })),
  )
  counter(
    'gatehouse_tokens_issued',
    { help: 'Token requests that were granted', labelNames: ['grant_type'] },
    ({ issued }) => [...issued].map(([label, count]) => [{ grant_type: label }, count] as const),
  )
  counter(
    'gatehouse_refusals',
    { help: 'Requests that were refused, by internal reason', labelNames: ['reason'] },
    ({ refused }) => [...refused].map(([label, count]) => [{ reason: label }, count] as const),
  )
  histogram('gatehouse_store_commit_seconds', 'Time from asking for a commit to its being durable', ({ commits }) => [
    { labels: {}, distribution: commits },
  ])
  for (const [name, help] of Object.entries(counterNames)) {
    counter(`gatehouse_${name}`, { help, labelNames: [] }, ({ counters }) => [
      [{}, counters.get(name as CounterName) ?? 0],
    ])
  }
  for (const { name, help } of metrics.snapshot().gauges) {
    registry.registerMetric(
      new Gauge({
        name: `gatehouse_${name}`,
        help,
        registers: [],
        collect() {
          this.set(
            metrics
              .snapshot()
              .gauges.find((gauge) => gauge.name === name)
              ?.read() ?? 0,
          )
        },
      }),
    )
  }
  return () => registry.metrics()

  function counter(
    name: string,
    { help, labelNames }: { readonly help: string; readonly labelNames: readonly string[] },
    read: (snapshot: Snapshot) => readonly (readonly [Labels, number])[],
  ): void {
    const printed = new Counter({
      name: `${name}_total`,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [labels, count] of read(metrics.snapshot())) this.inc(labels, count)
      },
    })
    registry.registerMetric(printed)
  }

  /** A histogram that prints counts made elsewhere; the library's own would have to observe each value again. */
  function histogram(
    name: string,
    help: string,
    read: (snapshot: Snapshot) => readonly { readonly labels: Labels; readonly distribution: Distribution }[],
  ): void {
    const getForPromString = () =>
      Promise.resolve({
        name,
        help,
        type: 'histogram',
        values: read(metrics.snapshot()).flatMap(({ labels, distribution }) => samples(name, labels, distribution)),
      })
    registry.registerMetric(Object.assign(new Histogram({ name, help, registers: [] }), { getForPromString }))
  }
}

function samples(name: string, labels: Labels, { bounds, counts, sum }: Distribution) {
  let cumulative = 0
  const buckets = Array.from(counts, (count, index) => {
    cumulative += count
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: cumulative }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: cumulative },
  ]
}
