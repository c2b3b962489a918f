import type { Fixture } from './fixture.ts'
import { ConnectionLost } from './load/connection.ts'
import type { Outcome } from './load/main.ts'
import type { SideResult } from './report/result.ts'
import { runRound, type RoundOptions } from './run-round.ts'
import type { Row } from './scenarios.ts'

/** So many rounds of all sides, each with fresh processes and a fresh store. */
export const runLoadScenario = async (
  rows: readonly Row[],
  fixture: Fixture,
  rounds: number,
  options: RoundOptions,
  progress: (line: string) => void,
): Promise<SideResult[]> => {
  const outcomes = rows.map((): Outcome[] => [])
  for (let round = 1; round <= rounds; round++) {
    const ofRound = await runRound(rows, fixture, options).catch((error: unknown) => {
      if (!(error instanceof ConnectionLost)) throw error
      progress(`  round ${round}/${rounds}  once more: ${error.message}`)
      return runRound(rows, fixture, options)
    })
    for (const [index, outcome] of ofRound.entries()) {
      outcomes[index]?.push(outcome)
      const name = rows[index]?.side.name ?? ''
      const cost = (outcome.serverCpuMicroseconds / outcome.flows).toFixed(1)
      const rate = Math.round(outcome.flows / outcome.seconds)
      progress(`  round ${round}/${rounds}  ${name.padEnd(22)} ${cost.padStart(7)} µs  ${String(rate).padStart(7)}/s`)
    }
  }
  return rows.map(({ side, target, keeps, note }, index) => ({
    side: side.name,
    title: side.title,
    ...(target && { target }),
    ...(keeps && { keeps }),
    ...(note !== undefined && { note }),
    rounds: outcomes[index] ?? [],
  }))
}
