import type { Command } from 'commander'
import type { Administration } from './administration.ts'
import { createCaller, type Call } from './call-api.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { storeSettings, textOption, withServer, withSettings } from './options.ts'
import type { Answer } from './print.ts'
import { verb, type Options } from './verb.ts'

/** A verb on accounts, clients or APIs: on the store, or with `--server` through the REST API. */
export function administrationVerb(
  command: Command,
  io: Io,
  act: (administration: Administration, args: readonly string[], options: Options) => Promise<Answer>,
): Command {
  return verb(withServer(withSettings(command, storeSettings)), io, async (args, options) => {
    const administration = await administer(io, options)
    try {
      return await act(administration, args, options)
    } finally {
      // It answers only when what it changed holds everywhere.
      await administration.close()
    }
  })
}

async function administer(io: Io, options: Options): Promise<Administration> {
  const server = textOption(options, 'server')
  const call = remoteCall(io, options)
  if (server === undefined || call === undefined) {
    const [{ openLocal }, { administerLocally }] = await Promise.all([
      import('./local.ts'),
      import('./administration-local.ts'),
    ])
    return administerLocally(await openLocal(io, options))
  }
  const { administerRemotely } = await import('./administration-remote.ts')
  return administerRemotely(server, call)
}

/** The REST API that `--server` names; undefined without it. Throws CliFailure. */
export function remoteCall(io: Io, options: Options): Call | undefined {
  const server = textOption(options, 'server')
  const token = textOption(options, 'token')
  if (server === undefined) {
    if (token !== undefined) throw new CliFailure('--token is for --server; add --server URL', { exitCode: 2 })
    return undefined
  }
  const bearer = token ?? io.environment['GATEHOUSE_TOKEN']
  if (bearer === undefined || bearer === '')
    throw new CliFailure('--server needs --token TOKEN (or GATEHOUSE_TOKEN)', { exitCode: 2 })
  return createCaller(server, bearer)
}
