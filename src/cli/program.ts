import { Command } from 'commander'
import type { Io } from './io.ts'
import { nouns } from './nouns.ts'
import { version } from './version.ts'

/** The command tree, with the verbs of the nouns that are wanted: those of one for a command, of all for documentation. */
export async function createProgram(io: Io, wanted: (noun: string) => boolean): Promise<Command> {
  const program = new Command('gatehouse')
    .description('sign-in, tokens and the keys of other services')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'say how it is used')
    .helpCommand(false)
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(text.replace(/^error: /, 'gatehouse: ')),
    })
    .exitOverride()
  for (const noun of nouns) {
    if (wanted(noun.name)) (await noun.load())(program, io)
    else program.command(noun.name).description(noun.summary)
  }
  return program
}
