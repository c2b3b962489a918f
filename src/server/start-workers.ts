import type { Gatehouse } from './gatehouse.ts'
import { mergeSnapshots, plainSnapshot } from './merge-snapshots.ts'
import { listenForMetrics } from './metrics-listener.ts'
import { createReload } from './reload.ts'
import type { RunningServer, StartOptions } from './start.ts'
import { signalsTo } from './stop.ts'
import { startUpkeep, upkeepReport } from './upkeep.ts'
import { startWorkers } from './workers.ts'

/**
 * The same server as `startServer` makes, in several processes: the workers answer, this one writes for them where the store is
 * embedded, does what a server does by itself, and adds up what they count. Throws WorkerRefused.
 */
export async function startServerOfWorkers(
  gatehouse: Gatehouse,
  options: Omit<StartOptions, 'system' | 'version' | 'upkeep' | 'stopTimes'> & {
    readonly workers: number
  },
): Promise<RunningServer> {
  const { core } = gatehouse
  const { config, log, metrics, workers: count } = options
  const { clock, admin } = core
  const workers = await startWorkers({
    count,
    config,
    log,
    clock,
    writeFor: admin.writeFor,
  })
  const upkeep = startUpkeep(gatehouse, upkeepReport(log))
  let counted = await workers.counted()
  const gather = async (): Promise<void> => {
    counted = mergeSnapshots([plainSnapshot(metrics.snapshot()), plainSnapshot(await workers.counted())])
  }
  const metricsListener =
    config.metricsPort === undefined
      ? undefined
      : await listenForMetrics({ snapshot: () => counted }, config.metricsPort, gather)
  let stopped: Promise<void> | undefined

  async function closeAll(signal: string): Promise<void> {
    const began = clock.monotonic()
    await workers.stop(signal)
    await upkeep.stop()
    await metricsListener?.close()
    await gatehouse.close()
    log.write({ event: 'server.stopped', millis: Math.round(clock.monotonic() - began), unfinished: 0 })
    log.flush()
  }

  function stop(signal: string): Promise<void> {
    if (stopped === undefined) stopped = closeAll(signal)
    else void workers.stop(signal)
    return stopped
  }

  return {
    stop,
    onSignals: signalsTo(stop),
    address: workers.address,
    ...(metricsListener === undefined ? {} : { metricsAddress: metricsListener.address }),
    reload: createReload(gatehouse, log, (policy) => {
      gatehouse.follow(policy)
      workers.follow(policy)
    }),
  }
}
