import { applyFileEntries, type FileChanges, type FileEntries } from '../accounts/file-entries.ts'
import type { UsersPolicy } from '../config/config.ts'
import type { Gatehouse } from './gatehouse.ts'
import type { Log } from './log.ts'

/** What the configuration file may say anew while the server runs (SIGHUP). */
export type Reloadable = FileEntries & { readonly users: UsersPolicy }

/** All of it, or (a line per problem) nothing. */
export type Reload = (
  wanted: Reloadable,
) => Promise<{ readonly done: FileChanges } | { readonly problems: readonly string[] }>

/** `follow`: called with the policy of users once it counts. */
export function createReload(
  { core }: Pick<Gatehouse, 'core'>,
  log: Log,
  follow: (policy: UsersPolicy) => void,
): Reload {
  return async (wanted) => {
    const outcome = await applyFileEntries(core, wanted)
    if ('problems' in outcome) log.write({ event: 'config.refused', problems: outcome.problems })
    else {
      follow(wanted.users)
      log.write({ event: 'config.reloaded' })
    }
    return outcome
  }
}
