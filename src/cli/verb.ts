import type { Command } from 'commander'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { flagOption, withJson } from './options.ts'
import type { Answer } from './print.ts'

export type Options = Readonly<Record<string, unknown>>

/** What every verb has in common: `--json`, and one answer printed in one of its two forms. */
export function verb(
  command: Command,
  io: Io,
  act: (args: readonly string[], options: Options) => Promise<Answer>,
): Command {
  return withJson(command)
    .allowExcessArguments(false)
    .action(async (...given: unknown[]) => {
      const options = given.at(-2) as Options
      const args = given
        .slice(0, -2)
        .flatMap((arg) => (typeof arg === 'string' ? [arg] : Array.isArray(arg) ? (arg as string[]) : []))
      const json = flagOption(options, 'json')
      const answer = await act(args, options).catch((error: unknown) => {
        // One document in any case: programs read the reason there, too.
        if (json && error instanceof Error) io.out(`${JSON.stringify({ error: error.message }, null, 2)}\n`)
        throw error
      })
      io.out(json ? `${JSON.stringify(answer.json, null, 2)}\n` : answer.text)
      if (answer.failure !== undefined) throw new CliFailure(answer.failure)
    })
}
