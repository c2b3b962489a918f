import type { AuditEvent } from '../../src/domain/event.ts'
import type { Client } from '../../src/domain/client.ts'
import type { Grant, Imprint } from '../../src/domain/grant.ts'
import type { Instance } from '../../src/domain/instance.ts'
import type { Decision, Kind, RecordValues, Slot } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'

export const start = 1_800_000_000

export function imprint(name: string): Imprint {
  return { nonce: name, keyId: 'k1' }
}

export function slotOf<K extends Kind>(kind: K, id: string, value: RecordValues[K] | undefined): Slot<K> {
  return { kind, id, version: value === undefined ? null : 'v1', value }
}

export const issuedEvent: AuditEvent = { v: 1, type: 'token.issued', at: start }

export const instance: Instance = {
  v: 1,
  instanceId: 'instance',
  generation: 1,
  epoch: 1,
  highWaterAt: start,
  createdAt: start,
}

export const client: Client = {
  v: 1,
  clientId: 'app',
  authentication: { method: 'client_secret_basic', secrets: [] },
  redirectUris: ['https://app.example/cb'],
  postLogoutRedirectUris: [],
  grantTypes: ['authorization_code', 'refresh_token'],
  scope: ['openid', 'profile', 'read', 'write'],
  idTokenAlgorithm: 'RS256',
  legacy: [],
  loopbackOnly: false,
  epoch: 3,
  managedBy: 'administrator',
  disabled: false,
  createdAt: start,
  updatedAt: start,
}

export const user: User = {
  v: 1,
  userId: 'usr_1',
  username: 'ada',
  emailVerified: false,
  role: 'editor',
  bot: false,
  scopes: [],
  epoch: 2,
  locked: false,
  createdAt: start,
  updatedAt: start,
}

export const grantWithCode: Grant = {
  v: 1,
  clientId: 'app',
  userId: 'usr_1',
  scope: ['openid', 'read'],
  resources: [],
  epoch: '1.2.3',
  createdAt: start,
  authentication: { authTime: start, acr: 'pwd', amr: ['pwd'] },
  code: {
    ...imprint('code'),
    redirectUri: 'https://app.example/cb',
    codeChallenge: 'challenge',
    expiresAt: start + 60,
  },
}

/** The grant that a decision leaves behind: what it wrote, or what was there. */
export function grantAfter(before: Grant | undefined, decision: Decision<unknown>): Grant | undefined {
  const write = decision.writes.find((candidate) => candidate.op === 'put' && candidate.kind === 'grant')
  return write === undefined ? before : (write as { value: Grant }).value
}

export function eventTypes(decision: Decision<unknown>): readonly string[] {
  return decision.writes.flatMap((write) => (write.op === 'append' ? [write.event.type] : []))
}
