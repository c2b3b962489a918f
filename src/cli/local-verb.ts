import type { Command } from 'commander'
import type { Io } from './io.ts'
import { openLocal, type Local } from './local.ts'
import { storeSettings, withSettings } from './options.ts'
import type { Answer } from './print.ts'
import { verb, type Options } from './verb.ts'

/** A verb that works on the store itself. */
export function localVerb(
  command: Command,
  { io, ...about }: { readonly io: Io; readonly create?: boolean; readonly changes?: boolean },
  act: (local: Local, args: readonly string[], options: Options) => Promise<Answer>,
): Command {
  return verb(withSettings(command, storeSettings), io, async (args, options) => {
    const local = await openLocal(io, options, about)
    try {
      const answer = await act(local, args, options)
      if (about.changes === true) await local.settle()
      return answer
    } finally {
      await local.close()
    }
  })
}
