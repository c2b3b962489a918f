import type { FirstStart } from '../accounts/first-start.ts'
import { applyFileEntries } from '../accounts/file-entries.ts'
import type { Config } from '../config/config.ts'
import { fixedChanges } from '../config/fixed-changes.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { openGatehouse, type Gatehouse, type GatehouseOptions } from '../server/gatehouse.ts'
import { createKeyEventLog } from '../server/key-event-log.ts'
import { describeError } from '../server/log-line.ts'
import type { Log } from '../server/log.ts'
import type { Metrics } from '../server/metrics.ts'
import { createObserver } from '../server/observer.ts'
import { watchFaults } from '../server/process-faults.ts'
import type { RunningServer } from '../server/start.ts'
import { CliFailure } from './failure.ts'
import { makeFirstAdministrator } from './first-administrator.ts'
import { giveBackStart, letHeapGrow } from './heap-growth.ts'
import type { Io } from './io.ts'
import { letOptimize } from './late-optimizers.ts'
import { textSettings } from './options.ts'
import { loadFrom } from './read-config.ts'
import { firstStartText, readyText } from './serve-text.ts'
import type { Options } from './verb.ts'
import { version } from './version.ts'

/** What every process of a server has in hand while it comes up, alone or as one of several. */
export type Process = {
  readonly io: Io
  readonly config: Config
  readonly log: Log
  readonly metrics: Metrics
}

/** What a process has that reads its configuration itself. */
export type Serving = Process & { readonly options: Options }

export function exitOf(log: Log): (code: number) => never {
  return (code) => {
    log.flush()
    process.exit(code)
  }
}

/** The composed server, whose troubles go into the log. */
export async function openHouse(
  { io, config, log, metrics }: Process,
  part: Pick<GatehouseOptions, 'serves' | 'through' | 'together'>,
): Promise<Gatehouse> {
  const keyEvents = createKeyEventLog(log)
  const gatehouse = await openGatehouse(config, io.system, {
    observer: createObserver(log, metrics),
    onKeyEvent: keyEvents.onKeyEvent,
    onFatal: (reason) => {
      log.write({ event: 'store.failed', error: describeError(reason) })
      io.err(`gatehouse: ${reason.message}\n`)
      exitOf(log)(1)
    },
    onDamage: (reason) => log.write({ event: 'store.damaged', error: describeError(reason) }),
    onFenced: () => log.write({ event: 'store.fenced' }),
    onLetter: ({ to, subject, text }) => log.write({ event: 'mail.letter', to, subject, text }),
    onVaultFailed: (error) => log.write({ event: 'vault.failed', error: describeError(error) }),
    onLetterFailed: (error) => log.write({ event: 'mail.failed', error: describeError(error) }),
    onSink: (down) =>
      log.write(down === undefined ? { event: 'audit.sink_up' } : { event: 'audit.sink_down', reason: down }),
    onPostFailed: (error) => log.write({ event: 'upkeep.failed', job: 'audit', error: describeError(error) }),
    onCommit: metrics.storeCommit,
    ...part,
  })
  keyEvents.opened()
  return gatehouse
}

/** What a process that answers does about itself. */
export function watch({ log, metrics }: Process, server: Pick<RunningServer, 'stop'>): void {
  letHeapGrow()
  letOptimize()
  giveBackStart()
  watchFaults({ process, log, metrics, refuseWork: () => void server.stop('fault'), exit: exitOf(log) })
}

export function sayReady({ io, config }: Process): void {
  if (isLoopbackIssuer(config)) io.out(readyText(config, version(), io.workingDirectory))
}

/** What must be so before the first request: the file's entries, and somebody who may administer. */
export async function prepare(io: Io, { config, core }: Gatehouse): Promise<void> {
  const applied = await applyFileEntries(core, config)
  if ('problems' in applied) {
    const [first = 'the entries of the configuration file cannot be applied', ...more] = applied.problems
    throw new CliFailure(first, { more })
  }
  const first = await makeFirstAdministrator(core, config)
  if (first.is === 'refused') throw new CliFailure(first.problem)
  // Told at once: whatever fails from here on, the password is known.
  if (first.is === 'first') tell(io, config, first)
}

function tell(
  io: Io,
  config: Config,
  first: FirstStart & { readonly is: 'first'; readonly passwordFile?: string },
): void {
  const text = firstStartText(config, first)
  if (isLoopbackIssuer(config)) io.out(text)
  else io.err(text)
}

/** SIGHUP reads the configuration anew: all of it counts, or nothing and the log says why. One at a time. */
export function onHangUp({ io, options, config, log }: Serving, server: Pick<RunningServer, 'reload'>): void {
  let reloading: Promise<unknown> = Promise.resolve()
  const reload = async (): Promise<void> => {
    const loaded = loadFrom(io, textSettings(options))
    const problems = 'problems' in loaded ? loaded.problems : fixedChanges(config, loaded.config)
    if (problems.length > 0 || 'problems' in loaded) return log.write({ event: 'config.refused', problems })
    for (const warning of loaded.warnings) log.write({ event: 'config.warning', warning })
    await server.reload(loaded.config)
  }
  process.on('SIGHUP', () => {
    reloading = reloading.then(reload).catch((error: unknown) => {
      log.write({
        event: 'config.refused',
        problems: [`not applied: ${describeError(error).message ?? describeError(error).name}; send SIGHUP again`],
      })
    })
  })
}

const isLoopbackIssuer = ({ issuer }: Config): boolean => isLoopbackHost(new URL(issuer).hostname)
