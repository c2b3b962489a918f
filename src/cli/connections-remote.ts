import { connectionIdOf } from '../tokens/vault-handle.ts'
import { all, type Connections, type Document } from './administration.ts'
import { askVault } from './ask-vault.ts'
import { pages, type Call } from './call-api.ts'

/** Connections through the REST API of a running server: those of the providers that it has. */
export function connectionsRemotely(server: string, call: Call): Connections {
  const path = (id: string): string => `/connections/${encodeURIComponent(id)}`
  return {
    connections: async function* () {
      for (const { name } of await all(pages(call, '/providers')))
        yield* pages(call, `/providers/${encodeURIComponent(String(name))}/connections`)
    },
    connection: (given) => call('GET', path(connectionIdOf(given))),
    endConnection: async (given) => {
      const id = connectionIdOf(given)
      if (id === given) await call('DELETE', path(id))
      // Whoever shows the handle proves by it what an id alone doesn't.
      else await askVault(server, '/vault/revoke', { form: { handle: given }, bearer: undefined })
      return id
    },
    recall: async (provider): Promise<Document> => {
      const { revoked_at, waiting } = await call(
        'POST',
        `/providers/${encodeURIComponent(provider)}/revoke-connections`,
      )
      return { provider, revoked_at, waiting }
    },
  }
}
