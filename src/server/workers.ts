import cluster, { type Worker } from 'node:cluster'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config, UsersPolicy } from '../config/config.ts'
import { handConfig } from '../config/hand-config.ts'
import type { Clock } from '../protocol/time.ts'
import type { WriterOrder, WriterReply } from '../store/port.ts'
import type { Log } from './log.ts'
import { mergeSnapshots } from './merge-snapshots.ts'
import type { Snapshot } from './metrics.ts'
import type { FromWorker, PlainSnapshot, ToWorker } from './worker-message.ts'

/** A worker that keeps ending is started again ever later; one that lived for a while starts afresh. In milliseconds. */
export const restartTimes = { first: 100, longest: 10_000, settled: 30_000 } as const
/** A stop's own times, and some for the way: after that a worker that won't end is ended. */
const stopPatienceMillis = 16_000
const countPatienceMillis = 1_000

/** The processes that serve, from the one that began them. */
export type Workers = {
  readonly address: AddressInfo
  /** Stops all of them; resolves when they have ended. Calling it again makes them hurry. */
  readonly stop: (signal: string) => Promise<void>
  /** From now on this holds for accounts, also in those that come later. */
  readonly follow: (policy: UsersPolicy) => void
  /** What all of them counted together, those that have ended included. */
  readonly counted: () => Promise<Snapshot>
}

/** What a worker's environment has: a process manager's cluster makes workers too, and those are none of ours. */
const mark = { GATEHOUSE_WORKER: '1' } as const

/** Whether this process is one of them. */
export function isWorker(environment: Readonly<Record<string, string | undefined>>): boolean {
  return cluster.isWorker && environment['GATEHOUSE_WORKER'] === mark.GATEHOUSE_WORKER
}

/** Why the first worker didn't come up, in the words that it said to us. */
export class WorkerRefused extends Error {
  override readonly name = 'WorkerRefused'
}

type Member = { readonly worker: Worker; readonly bornAt: number; address?: AddressInfo; counted?: PlainSnapshot }

/**
 * Starts so many workers behind one port and keeps them running: one that dies is started again, and its port goes on meanwhile.
 * The kernel's queue is this process's, which hands each connection to one of them in turn. Throws WorkerRefused.
 */
export async function startWorkers(options: {
  readonly count: number
  /** What every worker serves by: it reads no file, which may have changed since. */
  readonly config: Config
  readonly log: Log
  readonly clock: Pick<Clock, 'monotonic'>
  /** Carries out what they want written; absent where each writes by itself. */
  readonly writeFor?: ((order: WriterOrder) => Promise<WriterReply>) | undefined
}): Promise<Workers> {
  const { count, log, clock, writeFor } = options
  const members = new Set<Member>()
  // The first administrator's password is no worker's: whoever begins them makes that account.
  const { adminPassword: _, ...config } = options.config
  /** Kept for those that come after; the port is known once the first one listens. */
  const known: { port?: number; config: Config } = { config }
  let stopping = false
  let restartMillis: number = restartTimes.first
  const ended: PlainSnapshot[] = []

  /** Resolves when it listens; rejects if it ends before. Afterwards it is kept alive. */
  function begin(): Promise<AddressInfo> {
    const worker = cluster.fork(mark)
    const member: Member = { worker, bornAt: clock.monotonic() }
    members.add(member)
    const begun = Promise.withResolvers<AddressInfo>()
    tell(member, { is: 'begin', ...known, config: handConfig(known.config) })
    worker.on('message', (message: FromWorker) => {
      switch (message.is) {
        case 'listening':
          member.address = message.address
          begun.resolve(message.address)
          break
        case 'refused':
          begun.reject(new WorkerRefused(message.why))
          break
        case 'write':
          void write(member, message.order)
          break
        case 'counting':
          for (const other of members) if (other !== member) tell(other, message)
          break
        case 'counted':
          member.counted = message.snapshot
          break
      }
    })
    worker.once('exit', (code: number | null, signal: string | null) => {
      members.delete(member)
      if (member.counted !== undefined) ended.push({ ...member.counted, gauges: [] })
      const why = `a worker ended with ${signal ?? `exit ${code}`}`
      begun.reject(new WorkerRefused(`${why} before it listened`))
      if (!stopping && member.address !== undefined) beginAgain(member.bornAt, why)
    })
    return begun.promise
  }

  function beginAgain(bornAt: number, why: string): void {
    if (clock.monotonic() - bornAt > restartTimes.settled) restartMillis = restartTimes.first
    const againMillis = restartMillis
    restartMillis = Math.min(restartTimes.longest, restartMillis * 2)
    log.write({ event: 'worker.ended', why, againMillis })
    setTimeout(() => {
      if (!stopping) beginOrLater()
    }, againMillis)
  }

  function beginOrLater(): void {
    const startedAt = clock.monotonic()
    begin().catch((error: unknown) => {
      if (!stopping) beginAgain(startedAt, error instanceof Error ? error.message : String(error))
    })
  }

  async function write(member: Member, order: WriterOrder): Promise<void> {
    if (writeFor === undefined) throw new Error('a worker wants written what it could write itself')
    tell(member, { is: 'written', reply: await writeFor(order) })
  }

  function tell({ worker }: Pick<Member, 'worker'>, message: ToWorker): void {
    // Whoever has gone meanwhile is told nothing; its exit is heard by itself.
    if (worker.isConnected()) worker.send(message, () => undefined)
  }

  const address = await begin()
  known.port = address.port
  // From here on it serves, and may be told to stop. The others come up beside it; what keeps one from that is tried again.
  for (let more = 1; more < count; more += 1) beginOrLater()

  return {
    address,
    follow(policy) {
      known.config = { ...known.config, users: policy }
      for (const member of members) tell(member, { is: 'follow', usersPolicy: policy })
    },
    async stop(signal) {
      stopping = true
      for (const member of members) tell(member, { is: 'stop', signal })
      const late = setTimeout(() => {
        for (const { worker } of members) worker.process.kill('SIGKILL')
      }, stopPatienceMillis)
      await Promise.all([...members].map(({ worker }) => new Promise((resolve) => worker.once('exit', resolve))))
      clearTimeout(late)
    },
    async counted() {
      const asked = [...members].filter(({ address: listens }) => listens !== undefined)
      const before = asked.map(({ counted }) => counted)
      for (const member of asked) tell(member, { is: 'count-up' })
      const until = clock.monotonic() + countPatienceMillis
      const waiting = (): boolean =>
        asked.some((member, index) => members.has(member) && member.counted === before[index])
      while (waiting() && clock.monotonic() < until) await pause(2)
      const living = [...members].flatMap(({ counted }) => (counted === undefined ? [] : [counted]))
      return mergeSnapshots([...ended, ...living])
    },
  }
}
