import { CommanderError } from 'commander'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { createProgram } from './program.ts'

/** Runs one command line. The result is the exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    const spoken = args.find((arg) => !arg.startsWith('-'))
    const program = await createProgram(io, (noun) => noun === spoken)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version that were asked for are no mistake; help instead of a missing verb is.
      return error.exitCode === 0 ? 0 : 2
    }
    for (const line of linesOf(error)) io.err(`gatehouse: ${line}\n`)
    return error instanceof CliFailure ? error.exitCode : 1
  }
}

function linesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return ['failed for an unknown reason']
  const more = error instanceof CliFailure ? error.more : []
  // Whatever it quotes, it stays one line and does nothing to a terminal.
  return [error.message, ...more].map((line) => line.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]+/g, ' '))
}
