import { expect, test } from 'vitest'
import { mergeSnapshots, plainSnapshot } from '../../src/server/merge-snapshots.ts'
import { createMetrics, durationBounds } from '../../src/server/metrics.ts'

function worker(delay: number) {
  const metrics = createMetrics()
  const route = metrics.route('POST', '/oauth/token')
  metrics.route('GET', '/never')
  metrics.observe(route, 200, 3)
  metrics.observe(route, delay > 1 ? 400 : 200, 7_000)
  metrics.issued('refresh_token')
  metrics.refused('secret_wrong')
  metrics.storeCommit(2)
  metrics.count('shed_requests')
  metrics.gauge('connections', 'Open connections', () => 3)
  metrics.gauge('event_loop_delay_seconds', 'How late', () => delay)
  return plainSnapshot(metrics.snapshot())
}

test('what several workers counted is one server’s: sums, and the worst of what can’t be added up', () => {
  // As between processes.
  const parts = JSON.parse(JSON.stringify([worker(0.5), worker(2)])) as ReturnType<typeof worker>[]
  const { routes, issued, refused, commits, counters, gauges } = mergeSnapshots(parts)
  expect(routes).toHaveLength(1)
  expect(routes[0]?.statuses).toEqual(
    new Map([
      [200, 3],
      [400, 1],
    ]),
  )
  expect(routes[0]?.seconds.sum).toBeCloseTo(14.006)
  expect(routes[0]?.seconds.counts[durationBounds.length]).toBe(2)
  expect(issued.get('refresh_token')).toBe(2)
  expect(refused.get('secret_wrong')).toBe(2)
  expect(commits.sum).toBeCloseTo(0.004)
  expect(counters.get('shed_requests')).toBe(2)
  expect(gauges.map(({ name, read }) => [name, read()])).toEqual([
    ['connections', 6],
    ['event_loop_delay_seconds', 2],
  ])
})
