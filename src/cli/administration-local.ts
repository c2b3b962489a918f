import { asItStands } from '../accounts/as-they-stand.ts'
import { changeClient, deleteClient, rotateClientSecret } from '../accounts/change-client.ts'
import { printCredentials } from '../accounts/client-credentials.ts'
import type { Outcome } from '../accounts/context.ts'
import { createClient, type MadeClient } from '../accounts/create-client.ts'
import { createUser } from '../accounts/create-user.ts'
import { endGrant } from '../accounts/end-grant.ts'
import { mintedClientId } from '../accounts/minted-client.ts'
import { showToken } from '../accounts/show-token.ts'
import { createDirectory } from '../store/directory.ts'
import { listAll } from '../store/list-all.ts'
import { deleteUser } from '../accounts/delete-user.ts'
import { allClients, findClient, printClient } from '../accounts/find-client.ts'
import { allResources, findResource, printResource } from '../accounts/find-resource.ts'
import { findUser, findUserNamed } from '../accounts/find-user.ts'
import { allUsers } from '../accounts/list-users.ts'
import { invitationsOwner, inviteUser, showInvitation, withdrawInvitation } from '../accounts/invite-user.ts'
import { printKey } from '../keys/print-key.ts'
import { wantedEvent } from '../audit/list-events.ts'
import { printEvent } from '../audit/print-event.ts'
import { linkIdentity } from '../accounts/link-identity.ts'
import { mintToken, type MintContext } from '../accounts/mint-token.ts'
import { patchUser } from '../accounts/patch-user.ts'
import { printIdentity } from '../accounts/print-identity.ts'
import { printUser } from '../accounts/print-user.ts'
import { resetFactors } from '../accounts/reset-factors.ts'
import { revokeEverything, revokeTokens } from '../accounts/revoke-tokens.ts'
import { revokeToken } from '../accounts/revoke-token.ts'
import { unlinkIdentity } from '../accounts/unlink-identity.ts'
import { createResource, deleteResource } from '../accounts/write-resource.ts'
import { encodeTextBase64url } from '../crypto/encoding.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Actor } from '../domain/authority.ts'
import type { MintRequest } from '../domain/mint-request.ts'
import type { Resource } from '../domain/resource.ts'
import type { User } from '../domain/user.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { describe, isRefusal } from '../protocol/errors.ts'
import { mintCapability } from '../vault/mint-capability.ts'
import type { Administration, Document } from './administration.ts'
import { connectionsLocally } from './connections-local.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'
import { openRings } from './open-rings.ts'
import { withLetters } from './with-letters.ts'
import { readMintRequest } from './mint-options.ts'
import { issuerOf } from './token-issuer.ts'
import { readInvitation, readLinking, readNewUser, readUserPatch } from './user-document.ts'

const actor: Actor = { kind: 'cli' }

/** Accounts, clients and APIs on the store itself. */
export function administerLocally(local: Local): Administration {
  let changed = false
  const done = <T>(outcome: Outcome<T>): T => {
    if ('refused' in outcome) throw new CliFailure(outcome.refused.detail ?? outcome.refused.title)
    changed = true
    return outcome.done
  }
  const made = (client: MadeClient): Document => ({ ...printClient(client.client), ...printCredentials(client) })
  const shownResource = (resource: Resource): Document => ({
    ...printResource(resource),
    resource_id: encodeTextBase64url(resource.resource),
  })
  const named = (name: string): Promise<User> => userNamed(local, name)
  const standing = async (user: User): Promise<Document> => printUser(await asItStands(local, user))

  return {
    ...connectionsLocally(local, () => {
      changed = true
    }),
    createUser: async (fields) => standing(done(await createUser(local, actor, await readNewUser(fields, named)))),
    inviteUser: async (fields) => done(await inviteUser(await withLetters(local), { actor }, readInvitation(fields))),
    invitations: () => invitationsOf(local),
    withdrawInvitation: async (id) => void done(await withdrawInvitation(local, { actor }, id)),
    users: () => shown(allUsers(local), standing),
    user: async (name) => standing(await named(name)),
    changeUser: async (name, fields) => {
      const { userId } = await named(name)
      const patch = await readUserPatch(fields, named)
      return standing(done(await patchUser(await withLetters(local), { actor, userId, patch })))
    },
    deleteUser: async (name) => void done(await deleteUser(local, { actor, userId: (await named(name)).userId })),
    revokeTokens: async (name) => ({
      epoch: done(await revokeTokens(local, { actor, userId: (await named(name)).userId })).epoch,
    }),
    resetFactors: async (name) => ({
      epoch: done(await resetFactors(await withLetters(local), { actor, userId: (await named(name)).userId })).epoch,
    }),
    linkIdentity: async (name, fields) => {
      const { userId } = await named(name)
      const wanted = readLinking(fields)
      const provider = local.config.providers.find((one) => one.name === wanted.provider)
      if (provider === undefined)
        throw new CliFailure(`there is no provider ${wanted.provider}; see: gatehouse provider list`)
      const identity = { issuer: provider.issuer, ...wanted }
      return printIdentity(done(await linkIdentity(await withLetters(local), { actor, userId, identity })))
    },
    unlinkIdentity: async (name, provider) => {
      const { userId } = await named(name)
      done(await unlinkIdentity(await withLetters(local), { actor, userId, provider }))
    },
    revokeEverything: async () => done(await revokeEverything(local, actor)),

    mintToken: async (name, fields) => {
      const context = { ...local, issuer: local.config.issuer, keys: await openRings(local) }
      const wanted = readMintRequest(fields)
      if (name === undefined) return capability(context, wanted)
      const { userId } = await named(name)
      const made = done(await mintToken(context, { actor, userId }, wanted))
      return {
        token: made.token,
        token_type: 'Bearer',
        expires_in: made.expiresIn,
        scope: made.scope.join(' '),
        grant_id: made.grantId,
      }
    },

    tokens: (name) => tokensOf(local, name),
    endToken: async (name, grantId) => {
      const ending = { actor, user: await named(name) }
      done(await endGrant(local, { ...ending, which: ({ clientId }) => clientId === mintedClientId }, grantId))
    },
    revokeToken: async (text) => {
      const keys = await openRings(local)
      const issuer = issuerOf(keys, text) ?? local.config.issuer
      return done(await revokeToken({ ...local, issuer, keys }, { actor, text }))
    },

    createClient: async (document) => made(done(await createClient(local, actor, document))),
    clients: () => shown(allClients(local), printClient),
    client: async (clientId) => {
      const client = await findClient(local, clientId)
      if (client === undefined) throw new CliFailure(`there is no client ${clientId}; see gatehouse client list`)
      return printClient(client)
    },
    changeClient: async (clientId, fields) => made(done(await changeClient(local, { actor, clientId, fields }))),
    rotateSecret: async (clientId, overlapSeconds) =>
      made(done(await rotateClientSecret(local, { actor, clientId, overlapSeconds }))),
    deleteClient: async (clientId) => void done(await deleteClient(local, { actor, clientId })),

    createResource: async (document) =>
      shownResource(done(await createResource(local, { actor, issuer: local.config.issuer }, document))),
    resources: () => shown(allResources(local), shownResource),
    resource: async (identifier) => {
      const resource = await findResource(local, identifier)
      if (resource === undefined)
        throw new CliFailure(`there is no resource ${identifier}; see gatehouse resource list`)
      return shownResource(resource)
    },
    deleteResource: async (identifier) => void done(await deleteResource(local, actor, identifier)),

    keys: async function* () {
      for (const key of (await openRings(local)).list()) yield printKey(key)
    },
    rotateKey: async (ring) => {
      changed = true
      return printKey(await (await openRings(local)).rotate(ring, 'cli'))
    },
    events: (filter) => eventsOf(local, filter),

    close: async () => {
      if (changed) await local.settle()
      await local.close()
    },
  }
}

async function* invitationsOf(local: Local): AsyncGenerator<Document> {
  for await (const record of listAll(local.store, 'ticket', invitationsOwner)) {
    const alive = record.expiresAt !== undefined && local.clock.seconds() < record.expiresAt
    const shownOne = alive ? showInvitation(record) : undefined
    if (shownOne !== undefined) yield shownOne
  }
}

/** Ids begin with time, so the order of a scan is the order of time. */
async function* eventsOf(local: Local, filter: Readonly<Record<string, string>>): AsyncGenerator<Document> {
  for await (const { id, value } of local.admin.scan('event')) {
    // A record of kind `event` holds an event.
    const event = value as AuditEvent
    if (wantedEvent(filter, event)) yield printEvent({ id, event })
  }
}

async function* tokensOf(local: Local, name: string): AsyncGenerator<Document> {
  const user = await asItStands(local, await userNamed(local, name))
  const directory = await createDirectory(local)
  try {
    for await (const record of listAll(local.store, 'grant', user.userId)) {
      const alive = record.expiresAt === undefined || local.clock.seconds() < record.expiresAt
      const token = alive ? await showToken(directory, user, record) : undefined
      if (token !== undefined) yield token
    }
  } finally {
    directory.close()
  }
}

async function userNamed(local: Local, name: string): Promise<User> {
  const user = name.startsWith(userIdPrefix) ? await findUser(local, name) : await findUserNamed(local, name)
  if (user === undefined) throw new CliFailure(`there is no account ${name}; see gatehouse user list`)
  return user
}

async function* shown<T>(
  list: AsyncIterable<T>,
  show: (one: T) => Document | Promise<Document>,
): AsyncGenerator<Document> {
  for await (const one of list) yield await show(one)
}

/** For a connection of a client, or of whoever holds its handle. */
async function capability(
  context: MintContext,
  { connection = '', caveats = [], ttl }: MintRequest,
): Promise<Document> {
  const made = await mintCapability(context, { connection, caveats, ttl, actor: 'cli' })
  if (isRefusal(made)) throw new CliFailure(describe(made))
  return { token: made.token, token_type: 'Bearer', expires_in: made.expiresIn, scope: '' }
}
