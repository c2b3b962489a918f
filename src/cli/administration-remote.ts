import { encodeTextBase64url } from '../crypto/encoding.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import type { Administration, Document } from './administration.ts'
import { pages, type Call } from './call-api.ts'
import { connectionsRemotely } from './connections-remote.ts'
import { CliFailure } from './failure.ts'

/** Accounts, clients and APIs through the REST API of a running server. */
export function administerRemotely(server: string, call: Call): Administration {
  const user = async (name: string): Promise<string> => `/users/${encodeURIComponent(await userIdOf(call, name))}`
  const client = (clientId: string): string => `/clients/${encodeURIComponent(clientId)}`
  /** An identifier is a URI and fits no path as it is. */
  const resource = (identifier: string): string => `/resources/${encodeTextBase64url(identifier)}`
  /** The wrangler is said by name and sent by id. */
  const withWrangler = async (fields: Document): Promise<Document> =>
    typeof fields['wrangler'] === 'string' ? { ...fields, wrangler: await userIdOf(call, fields['wrangler']) } : fields

  return {
    ...connectionsRemotely(server, call),
    createUser: async (fields) => call('POST', '/users', await withWrangler(fields)),
    inviteUser: (fields) => call('POST', '/users', { ...fields, invite: true }),
    invitations: () => pages(call, '/invitations'),
    withdrawInvitation: async (id) => void (await call('DELETE', `/invitations/${encodeURIComponent(id)}`)),
    users: () => pages(call, '/users'),
    user: async (name) => call('GET', await user(name)),
    changeUser: async (name, fields) => call('PATCH', await user(name), await withWrangler(fields)),
    deleteUser: async (name) => void (await call('DELETE', await user(name))),
    revokeTokens: async (name) => epochOf(await call('POST', `${await user(name)}/revoke-tokens`)),
    resetFactors: async (name) => epochOf(await call('DELETE', `${await user(name)}/factors`)),
    linkIdentity: async (name, fields) => call('POST', `${await user(name)}/identities`, fields),
    unlinkIdentity: async (name, provider) =>
      void (await call('DELETE', `${await user(name)}/identities/${encodeURIComponent(provider)}`)),
    revokeEverything: async () => epochOf(await call('POST', '/revoke-tokens')),
    mintToken: async (name, fields) => {
      if (name === undefined)
        throw new CliFailure(
          'a running server gives that to the client or the handle whose connection it is: POST /vault/capability',
        )
      return call('POST', `${await user(name)}/tokens`, fields)
    },
    tokens: async function* (name) {
      yield* pages(call, `${await user(name)}/tokens`)
    },
    endToken: async (name, grantId) =>
      void (await call('DELETE', `${await user(name)}/tokens/${encodeURIComponent(grantId)}`)),
    revokeToken: (token) => call('POST', '/revoked-tokens', { token }),
    createClient: (document) => call('POST', '/clients', document),
    clients: () => pages(call, '/clients'),
    client: (clientId) => call('GET', client(clientId)),
    changeClient: (clientId, fields) => call('PATCH', client(clientId), fields),
    rotateSecret: (clientId, overlapSeconds) =>
      call('POST', `${client(clientId)}/secret`, overlapSeconds === 0 ? {} : { overlap_seconds: overlapSeconds }),
    deleteClient: async (clientId) => void (await call('DELETE', client(clientId))),
    createResource: (document) => call('POST', '/resources', document),
    resources: () => pages(call, '/resources'),
    resource: (identifier) => call('GET', resource(identifier)),
    deleteResource: async (identifier) => void (await call('DELETE', resource(identifier))),
    keys: () => pages(call, '/keys'),
    rotateKey: (ring) => call('POST', `/keys/${ring}/rotate`),
    events: (filter) => pages(call, '/events', filter),
    close: () => Promise.resolve(),
  }
}

async function userIdOf(call: Call, name: string): Promise<string> {
  if (name.startsWith(userIdPrefix)) return name
  const found = await call('GET', `/users?username=${encodeURIComponent(name)}`)
  const [user] = Array.isArray(found['items']) ? (found['items'] as readonly Document[]) : []
  const userId = user?.['user_id']
  if (typeof userId !== 'string') throw new CliFailure(`there is no account ${name}; see gatehouse user list`)
  return userId
}

function epochOf(document: Document): { readonly epoch: number } {
  const { epoch } = document
  if (typeof epoch !== 'number') throw new CliFailure('the server answered without an epoch')
  return { epoch }
}
