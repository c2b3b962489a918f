import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './ledger/campaign.ts'
import type { ServerProcess } from './ledger/server-process.ts'
import type { Wire } from './ledger/wire.ts'

/** A signal is heard in the next turn of the event loop, which a machine that does much else may keep waiting. */
const atOnceMillis = 3_000

/** FLT-25: SIGTERM in the middle of the load. No answer may be lost, and `problems` tells what else went wrong. */
export function gracefulStop(problems: string[]): Fault {
  return {
    losesAnswers: false,
    strike: async (server, { wire }) => {
      const began = performance.now()
      server.kill('SIGTERM')
      const [exit] = await Promise.all([server.exited, balance(server, wire, problems)])
      if (exit !== 0) problems.push(`ended with ${exit}: ${server.output()}`)
      if (performance.now() - began > 10_000) problems.push('took longer than ten seconds')
    },
  }
}

/** A balancer in front: sends nobody new to a server that isn't ready. That is so at once, and for good. */
async function balance(server: ServerProcess, wire: Wire, problems: string[]): Promise<void> {
  const began = performance.now()
  let unready = false
  while (server.running()) {
    const ready = await fetch(`http://127.0.0.1:${server.port}/readyz`).then(
      (answer) => answer.status === 200,
      () => false,
    )
    if (ready && unready) problems.push('ready again while it stops')
    unready ||= !ready
    if (unready) wire.keepToConnections()
    if (!unready && performance.now() - began > atOnceMillis) problems.push('still ready long after the signal')
    await pause(10)
  }
}
