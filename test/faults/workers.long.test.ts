import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { workersOf } from '../kit/workers-of.ts'
import { printReport, runCampaign, type Fault } from './ledger/campaign.ts'
import type { ServerProcess } from './ledger/server-process.ts'
import { gracefulStop } from './stop.ts'

const workers = 2
const environment = { GATEHOUSE_WORKERS: String(workers) }
const kills = Number(process.env['GATEHOUSE_WORKER_KILLS'] ?? 30)
const stops = Number(process.env['GATEHOUSE_WORKER_STOPS'] ?? 20)

/** Every worker, none of them the one that was struck. */
async function untilAll(server: ServerProcess, struck?: number): Promise<readonly number[]> {
  for (const until = performance.now() + 30_000; performance.now() < until; await pause(20)) {
    const pids = workersOf(server.pid)
    if (pids.length === workers && !pids.some((pid) => pid === struck)) return pids
  }
  throw new Error(`there never were ${workers} workers: ${server.output()}`)
}

/** One worker is killed in the middle of the load, the load goes on over the others, and then everything is killed. */
function workerKilled(problems: string[]): Fault {
  return {
    losesAnswers: true,
    environment,
    strike: async (server, { dice }) => {
      const pids = await untilAll(server)
      const struck = pids[dice.below(pids.length)] ?? 0
      process.kill(struck, 'SIGKILL')
      if (!(await answers(server.port))) problems.push('the port went with its worker')
      const after = await untilAll(server, struck)
      await pause(200 * dice.fraction())
      server.kill('SIGKILL')
      await server.exited
      // They end with the one that began them.
      for (const until = performance.now() + 5_000; after.some(alive);) {
        if (performance.now() > until) {
          problems.push('a worker outlived its server')
          break
        }
        await pause(10)
      }
    },
  }
}

/** On new connections: those to the dead worker are cut, and one that was on its way to it may be. */
async function answers(port: number): Promise<boolean> {
  for (const until = performance.now() + 10_000; performance.now() < until; await pause(20)) {
    const options = { headers: { connection: 'close' }, signal: AbortSignal.timeout(3_000) }
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, options).catch(() => undefined)
    if (answer?.status === 200) return true
  }
  return false
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('serve --workers 2', () => {
  test(`FLT-01: ${kills} kills of one worker, and then of all, under load`, async () => {
    const problems: string[] = []
    const report = await runCampaign({ rounds: kills, seed: 3, fault: workerKilled(problems) })
    console.log(`FLT-01, one of ${workers} workers: ${printReport(report)}`)
    expect([...problems, ...report.violations]).toEqual([])
  })

  test(`FLT-25: ${stops} stops under load, no failed request, exit 0`, async () => {
    const problems: string[] = []
    const report = await runCampaign({
      rounds: stops,
      seed: 25,
      fault: { ...gracefulStop(problems), environment },
      untilFault: (dice) => 100 + dice.below(700),
    })
    console.log(`FLT-25, ${workers} workers: ${printReport(report)}`)
    expect([...problems, ...report.violations]).toEqual([])
  })
})
