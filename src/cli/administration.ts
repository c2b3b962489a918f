import type { Ring } from '../domain/key.ts'

/** A record as the REST API shows it: wire names, plain JSON. */
export type Document = Readonly<Record<string, unknown>>

/**
 * What can be done to accounts, clients and APIs, wherever it is done: on the store, or through the REST API. Same words in,
 * same documents out; a refusal is a CliFailure. Accounts are named by user name or id.
 */
export type Administration = Connections & {
  readonly createUser: (fields: Document) => Promise<Document>
  /** `fields` as `POST /api/v1/users` takes them with `invite`. */
  readonly inviteUser: (fields: Document) => Promise<Document>
  readonly invitations: () => AsyncIterable<Document>
  readonly withdrawInvitation: (invitationId: string) => Promise<void>
  readonly users: () => AsyncIterable<Document>
  readonly user: (name: string) => Promise<Document>
  readonly changeUser: (name: string, fields: Document) => Promise<Document>
  readonly deleteUser: (name: string) => Promise<void>
  readonly revokeTokens: (name: string) => Promise<{ readonly epoch: number }>
  readonly resetFactors: (name: string) => Promise<{ readonly epoch: number }>
  /** `fields` as `POST /api/v1/users/{id}/identities` takes them. */
  readonly linkIdentity: (name: string, fields: Document) => Promise<Document>
  readonly unlinkIdentity: (name: string, provider: string) => Promise<void>
  readonly revokeEverything: () => Promise<{ readonly epoch: number }>
  /** `fields` as `POST /api/v1/users/{id}/tokens` takes them. Without a name: to a connection of nobody's account. */
  readonly mintToken: (name: string | undefined, fields: Document) => Promise<Document>
  /** Tokens for scripts that an account has. */
  readonly tokens: (name: string) => AsyncIterable<Document>
  readonly endToken: (name: string, grantId: string) => Promise<void>
  /** What ended: `revoked` is grant or access_token, and `id` its own. */
  readonly revokeToken: (token: string) => Promise<Document>
  readonly createClient: (document: Document) => Promise<Document>
  readonly clients: () => AsyncIterable<Document>
  readonly client: (clientId: string) => Promise<Document>
  readonly changeClient: (clientId: string, fields: Document) => Promise<Document>
  readonly rotateSecret: (clientId: string, overlapSeconds: number) => Promise<Document>
  readonly deleteClient: (clientId: string) => Promise<void>
  readonly createResource: (document: Document) => Promise<Document>
  readonly resources: () => AsyncIterable<Document>
  readonly resource: (identifier: string) => Promise<Document>
  readonly deleteResource: (identifier: string) => Promise<void>
  readonly keys: () => AsyncIterable<Document>
  /** The key that waits to take over. */
  readonly rotateKey: (ring: Ring) => Promise<Document>
  /** The oldest first; `filter` as the query of `GET /api/v1/events` has it. */
  readonly events: (filter: Readonly<Record<string, string>>) => AsyncIterable<Document>
  /** Resolves when what was changed holds everywhere. */
  readonly close: () => Promise<void>
}

/** What can be done to connections, whoever owns them. Each is named by its id, or by the handle that fetches from it. */
export type Connections = {
  readonly connections: () => AsyncIterable<Document>
  readonly connection: (given: string) => Promise<Document>
  /** Its id. */
  readonly endConnection: (given: string) => Promise<string>
  /** Ends every connection of a provider. */
  readonly recall: (provider: string) => Promise<Document>
}

/** Everything that a list holds. */
export async function all(list: AsyncIterable<Document>): Promise<readonly Document[]> {
  const found: Document[] = []
  for await (const document of list) found.push(document)
  return found
}
