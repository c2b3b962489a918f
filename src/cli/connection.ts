import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { administrationVerb } from './administer.ts'
import { all, type Document } from './administration.ts'
import { askVault } from './ask-vault.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { openLocal } from './local.ts'
import { storeSettings, textOption, textSettings, withServer, withSettings } from './options.ts'
import { card, instant, table } from './print.ts'
import { readConfig } from './read-config.ts'
import { verb, type Options } from './verb.ts'

/** Adds `gatehouse connection`. `start` and `token` ask a running server, which alone renews tokens. */
export function registerConnection(program: Command, io: Io): void {
  const connection = program.command('connection').description('tokens of other services, kept for programs')
  const served = (command: Command): Command => withServer(withSettings(command, [...storeSettings, 'issuer', 'port']))
  const serverOf = async (options: Options): Promise<string> => {
    const named = textOption(options, 'server')
    if (named !== undefined) return named
    const { config } = readConfig(io, textSettings(options), { withoutSecrets: true })
    return config.issuerAssumed === true ? servedIssuer(io, options, config) : config.issuer
  }
  const bearerOf = (options: Options): string | undefined =>
    textOption(options, 'token') ?? io.environment['GATEHOUSE_TOKEN']

  verb(
    served(
      connection
        .command('start <provider>')
        .description('start a connection: an address for the browser, a code to type there, a handle to keep')
        .option('--handle <handle>', 'renew the connection of this handle, for the same account there')
        .option('--scope <scope>', "what to ask of the provider, in its words (default: the entry's connect_scope)"),
    ),
    io,
    async ([provider = ''], options) => {
      const scope = textOption(options, 'scope')
      const handle = textOption(options, 'handle')
      const answer = await askVault(await serverOf(options), '/vault/connect', {
        form: { provider, ...(scope !== undefined && { scope }), ...(handle !== undefined && { handle }) },
        bearer: bearerOf(options),
      })
      return { json: answer, text: card(answer) }
    },
  )

  verb(
    served(
      connection
        .command('token <handle>')
        .description('a token of the provider that holds; --json says how long')
        .option('--confirm <code>', 'the code from the last page of a browser elsewhere'),
    ),
    io,
    async ([handle = ''], options) => {
      const confirm = textOption(options, 'confirm')
      const answer = await askVault(await serverOf(options), '/vault/token', {
        form: { handle, ...(confirm !== undefined && { confirm }) },
        bearer: undefined,
      })
      return { json: answer, text: `${String(answer['access_token'])}\n` }
    },
  )

  administrationVerb(
    connection
      .command('list')
      .description('every connection, or those of one account')
      .option('--user <name>', 'of this account'),
    io,
    async (administration, _args, options) => {
      const name = textOption(options, 'user')
      const owner = name === undefined ? undefined : (await administration.user(name))['user_id']
      const items = (await all(administration.connections())).filter(
        (one) => name === undefined || one['owner'] === owner,
      )
      return {
        json: { items },
        text: table(items.map(inWords), ['connection_id', 'provider', 'owner', 'account', 'state', 'reason']),
      }
    },
  )

  administrationVerb(
    connection.command('show <connection>').description('one connection, without its tokens'),
    io,
    async (administration, [given = '']) => {
      const document = await administration.connection(given)
      return {
        json: document,
        text: card({
          ...inWords(document),
          created_at: instant(document['created_at']),
          last_used_at: instant(document['last_used_at']),
          expires_at: instant(document['expires_at']),
        }),
      }
    },
  )

  administrationVerb(
    connection
      .command('revoke [connection]')
      .description('disconnect, by id or handle; a running server gives the tokens back to the provider')
      .option('--provider <name>', 'every connection of this provider, instead of one'),
    io,
    async (administration, [given], options) => {
      const provider = textOption(options, 'provider')
      if (provider === undefined && given !== undefined) {
        const id = await administration.endConnection(given)
        return { json: { connection_id: id, revoked: true }, text: `${id} is disconnected\n` }
      }
      if (provider === undefined || given !== undefined)
        throw new CliFailure('name a connection, or --provider and its name to end all of that provider; not both', {
          exitCode: 2,
        })
      const recalled = await administration.recall(provider)
      return {
        json: recalled,
        text: `every connection of ${provider} is over; tokens of ${String(recalled['waiting'])} wait to be given back\n`,
      }
    },
  )
}

const inWords = (document: Document): Document => ({
  ...document,
  owner: document['owner'] ?? 'whoever holds the handle',
})

/**
 * As which the store is served, if it is a file here. Whoever can write to it says so: no word of his sends a secret off this
 * machine, and whoever writes to a database server from elsewhere might have somebody listen on this one. Throws CliFailure.
 */
async function servedIssuer(io: Io, options: Options, { issuer, store }: Config): Promise<string> {
  if (store.adapter === 'memory' || (store.adapter === 'sqlite' && !existsSync(store.path))) return issuer
  if (store.adapter !== 'sqlite')
    throw new CliFailure(`a store of many machines doesn't say where secrets go; name the server: --server ${issuer}`)
  const local = await openLocal(io, options)
  await local.close()
  const served = local.config.issuer
  if (!isLoopbackHost(new URL(served).hostname))
    throw new CliFailure(`this store was served as ${served}; if that is right, say so: --server ${served}`)
  return served
}
