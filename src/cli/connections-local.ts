import { equalDigests } from '../crypto/equal-digests.ts'
import type { Connection } from '../domain/connection.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { connectionIdOf, vaultHandleHash } from '../tokens/vault-handle.ts'
import { disconnect } from '../vault/end-connection.ts'
import { printConnection } from '../vault/print-connection.ts'
import type { StandingContext } from '../vault/standing.ts'
import { finishRecalls, recallConnections, recallProgress } from '../vault/recall-connections.ts'
import type { Connections } from './administration.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'

/** Connections on the store itself. `changed` is told of what every server has to hear of. */
export function connectionsLocally(local: Local, changed: () => void): Connections {
  return {
    connections: () => connectionsOf(local),
    connection: async (given) => {
      const { id, connection } = await found(local, given)
      return printConnection(await standingIn(local), id, connection)
    },
    endConnection: async (given) => {
      const { id, connection } = await found(local, given)
      const ended = await disconnect(local, id, { connection, by: { actor: 'cli' } })
      if (!ended) throw new CliFailure('nothing was revoked: it has ended already')
      changed()
      return id
    },
    recall: async (provider) => {
      const { records } = await local.transition.store.list('connection', `provider:${provider}`, { limit: 1 })
      if (records.length === 0)
        throw new CliFailure(`there is no connection of ${provider}; see: gatehouse connection list`)
      const recalled = await recallConnections(local, { actor: { kind: 'cli' }, provider })
      if ('refused' in recalled) throw new CliFailure(recalled.refused.detail ?? recalled.refused.title)
      changed()
      await finishRecalls(local)
      const { waiting } = await recallProgress(local, provider)
      return { provider, revoked_at: recalled.done.at, waiting }
    },
  }
}

async function standingIn({ store, clock, config }: Local): Promise<StandingContext> {
  const now = clock.seconds()
  const instance = (await readAlive(store, ref('instance', 'self'), now)) ?? {}
  return { instance, providers: new Map(config.providers.map((provider) => [provider.name, provider])), now }
}

async function* connectionsOf(local: Local): ReturnType<Connections['connections']> {
  const standing = await standingIn(local)
  for await (const { id, value } of local.admin.scan('connection'))
    yield printConnection(standing, id, value as Connection)
}

/** By its id, or by the handle that fetches from it. */
async function found(local: Local, given: string): Promise<{ readonly id: string; readonly connection: Connection }> {
  const id = connectionIdOf(given)
  const connection = await readAlive(local.transition.store, ref('connection', id), local.clock.seconds())
  const isRight = id === given || equalDigests(connection?.handleHash ?? '', vaultHandleHash(given))
  if (connection === undefined || !isRight)
    throw new CliFailure('there is no such connection; see: gatehouse connection list')
  return { id, connection }
}
