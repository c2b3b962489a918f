import type { Command } from 'commander'
import { vaultHandleHash } from '../tokens/vault-handle.ts'
import { isHeld, type Connection } from '../domain/connection.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { disconnect } from '../vault/end-connection.ts'
import { finishRecalls, recallConnections, recallProgress } from '../vault/recall-connections.ts'
import { findUserNamed } from '../accounts/find-user.ts'
import { askVault } from './ask-vault.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import type { Local } from './local.ts'
import { localVerb } from './local-verb.ts'
import { textOption, withServer, withSettings } from './options.ts'
import { card, instant, table, type Answer } from './print.ts'
import { readConfig } from './read-config.ts'
import { textSettings } from './options.ts'
import { verb, type Options } from './verb.ts'

/** Adds `gatehouse connection`. `start` and `token` ask a running server, which alone renews tokens; the rest works on the store. */
export function registerConnection(program: Command, io: Io): void {
  const connection = program.command('connection').description('tokens of other services, kept for programs')
  const served = (command: Command): Command => withServer(withSettings(command, ['config', 'issuer', 'port']))
  const serverOf = (options: Options): string =>
    textOption(options, 'server') ?? readConfig(io, textSettings(options)).config.issuer
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
      const answer = await askVault(serverOf(options), '/vault/connect', {
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
      const answer = await askVault(serverOf(options), '/vault/token', {
        form: { handle, ...(confirm !== undefined && { confirm }) },
        bearer: undefined,
      })
      return { json: answer, text: `${String(answer['access_token'])}\n` }
    },
  )

  localVerb(
    connection
      .command('list')
      .description('every connection, or those of one account')
      .option('--user <name>', 'of this account'),
    { io },
    async (local, _args, options) => {
      const name = textOption(options, 'user')
      const user = name === undefined ? undefined : await findUserNamed(local, name)
      if (name !== undefined && user === undefined) throw new CliFailure(`there is no account ${name}`)
      const items: Readonly<Record<string, unknown>>[] = []
      for await (const { id, value } of local.admin.scan('connection')) {
        const found = value as Connection
        if (user !== undefined && (found.owner.kind !== 'user' || found.owner.userId !== user.userId)) continue
        items.push(shown(id, found))
      }
      return {
        json: { items },
        text: table(items, ['connection_id', 'provider', 'owner', 'account', 'state', 'reason']),
      }
    },
  )

  localVerb(
    connection.command('show <connection>').description('one connection, without its tokens'),
    { io },
    async (local, [id = '']) => {
      const document = shown(id, (await found(local, id)).connection)
      return {
        json: document,
        text: card({
          ...document,
          created_at: instant(document['created_at']),
          last_used_at: instant(document['last_used_at']),
          expires_at: instant(document['expires_at']),
        }),
      }
    },
  )

  localVerb(
    connection
      .command('revoke [connection]')
      .description('disconnect, by id or handle; a running server gives the tokens back to the provider')
      .option('--provider <name>', 'every connection of this provider, instead of one'),
    { io, changes: true },
    async (local, [given], options) => {
      const provider = textOption(options, 'provider')
      if ((given === undefined) === (provider === undefined))
        throw new CliFailure('name a connection, or --provider with whose connections are all to end')
      if (provider !== undefined) return recall(local, provider)
      const { id, connection: one } = await found(local, given ?? '')
      const ended = await disconnect(local, id, { connection: one, by: { actor: 'cli' } })
      if (!ended) throw new CliFailure('nothing was revoked: it has ended already')
      return { json: { connection_id: id, revoked: true }, text: `${id} is disconnected\n` }
    },
  )
}

async function recall(local: Local, provider: string): Promise<Answer> {
  const { records } = await local.transition.store.list('connection', `provider:${provider}`, { limit: 1 })
  if (records.length === 0)
    throw new CliFailure(`there is no connection of ${provider}; see: gatehouse connection list`)
  const recalled = await recallConnections(local, { actor: { kind: 'cli' }, provider })
  if ('refused' in recalled) throw new CliFailure(recalled.refused.detail ?? recalled.refused.title)
  await finishRecalls(local)
  const { waiting } = await recallProgress(local, provider)
  return {
    json: { provider, revoked_at: recalled.done.at, waiting },
    text: `every connection of ${provider} is over; tokens of ${waiting} wait to be given back\n`,
  }
}

/** By its id, or by the handle that fetches from it. */
async function found(local: Local, given: string): Promise<{ readonly id: string; readonly connection: Connection }> {
  const id = /^gth_vh_[0-9a-f]{8}_[^.]+\.([^.]+)\./.exec(given)?.[1] ?? given
  const connection = await readAlive(local.transition.store, ref('connection', id), local.clock.seconds())
  const isRight = id === given || connection?.handleHash === vaultHandleHash(given)
  if (connection === undefined || !isRight)
    throw new CliFailure('there is no such connection; see: gatehouse connection list')
  return { id, connection }
}

/** As operators see it: everything but its tokens. */
function shown(id: string, connection: Connection): Readonly<Record<string, unknown>> {
  const { owner } = connection
  const every = {
    connection_id: id,
    provider: connection.provider,
    owner: owner.kind === 'user' ? owner.userId : owner.kind === 'client' ? owner.clientId : 'whoever holds the handle',
    client_id: connection.clientId ?? null,
    state: connection.state,
    created_at: connection.createdAt,
  }
  if (!isHeld(connection)) return every
  return {
    ...every,
    account: connection.account,
    scope: connection.scope.join(' '),
    reason: connection.reason ?? null,
    unsure: connection.unsure ?? false,
    last_used_at: connection.lastUsedAt,
    expires_at: connection.expiresAt ?? null,
  }
}
