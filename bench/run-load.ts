import type { Fixture } from './fixture.ts'
import { ConnectionLost } from './load/connection.ts'
import type { Outcome } from './load/main.ts'
import type { SideResult } from './report/result.ts'
import { runRound, type RoundOptions } from './run-round.ts'
import type { Row } from './scenarios.ts'

/** Rounds outside, sides inside: A B A B, so that a slow minute of the machine hits every side. */
export const runLoadScenario = async (
  rows: readonly Row[],
  fixture: Fixture,
  rounds: number,
  options: RoundOptions,
  progress: (line: string) => void,
): Promise<SideResult[]> => {
  const outcomes = rows.map((): Outcome[] => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [index, row] of rows.entries()) {
      const own = { ...options, ...(row.lanes !== undefined && { lanes: row.lanes }) }
      const outcome = await runRound(row, fixture, own).catch((error: unknown) => {
        if (!(error instanceof ConnectionLost)) throw error
        progress(`  round ${round}/${rounds}  ${row.side.name.padEnd(22)} once more: ${error.message}`)
        return runRound(row, fixture, own)
      })
      outcomes[index]?.push(outcome)
      const cost = (outcome.serverCpuMicroseconds / outcome.flows).toFixed(1)
      const rate = Math.round(outcome.flows / outcome.seconds)
      progress(
        `  round ${round}/${rounds}  ${row.side.name.padEnd(22)} ${cost.padStart(7)} µs  ${String(rate).padStart(7)}/s`,
      )
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
