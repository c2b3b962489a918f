import { inviteUser } from '../../src/accounts/invite-user.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import type { Client } from '../../src/domain/client.ts'
import type { User } from '../../src/domain/user.ts'
import { encodeTextBase64url } from '../../src/crypto/encoding.ts'
import { totp } from '../../src/crypto/one-time-code.ts'
import { printPasskeyChallenge } from '../../src/tokens/passkey-challenge.ts'
import { sealEnrolment } from '../../src/tokens/sealed-enrolment.ts'
import { createDevice } from '../kit/passkey-device.ts'
import { goodPassword, issuer, type House } from './house.ts'

/** One call that its caller may make: a path that leads somewhere, and what it takes. */
export type RightCall = { readonly path: string; readonly query?: string; readonly body?: unknown }

/** Who makes it, with what stands ready for him. */
export type Stage = {
  readonly house: House
  readonly caller: User | undefined
  readonly client: Client
  /** Of the token that it will be made with. */
  readonly grantId?: string
}

let count = 0
const fresh = (name: string): string => `${name}${(count += 1)}`

const target = async ({ house }: Stage): Promise<User> => house.makeUser()
const ofTarget = async (stage: Stage, rest = ''): Promise<string> =>
  `/api/v1/users/${(await target(stage)).userId}${rest}`
const me = ({ caller }: Stage): User => {
  if (caller === undefined) throw new Error('this call is about a person')
  return caller
}
const tokenOf = async ({ house }: Stage, user: User): Promise<string> => {
  const made = await mintToken(house.context, { actor: { kind: 'cli' }, userId: user.userId }, { format: 'opaque' })
  if ('refused' in made) throw new Error(made.refused.detail)
  return made.done.grantId
}
const invitationOf = async ({ house }: Stage): Promise<string> => {
  const made = await inviteUser(house.context, { actor: { kind: 'cli' } }, { language: 'en' })
  if ('refused' in made) throw new Error(made.refused.detail)
  return made.done.invitation_id
}
const consentOf = async ({ house, client }: Stage, user: User): Promise<string> => {
  await house.makeConsent(user, client)
  return client.clientId
}
const resourceId = async ({ house }: Stage): Promise<string> => {
  const { resource } = await house.makeResource(`https://${fresh('api')}.example`)
  return encodeTextBase64url(resource)
}
const newClientId = async ({ house }: Stage): Promise<string> =>
  (await house.makeClient({ client_id: fresh('app'), scope: 'openid' })).clientId

/** A right call for every operation, by its id. A test fails for each that is missing. */
export const rightCalls: Readonly<Record<string, (stage: Stage) => Promise<RightCall>>> = {
  register: async () => ({
    path: '/api/v1/register',
    body: { username: fresh('newcomer'), password: goodPassword, full_name: 'A Newcomer' },
  }),
  whoAmI: async () => ({ path: '/api/v1/me/session' }),
  getMe: async () => ({ path: '/api/v1/me' }),
  updateMe: async () => ({
    path: '/api/v1/me',
    body: { username: fresh('renamed'), full_name: 'Ada Lovelace', email: null },
  }),
  deleteMe: async () => ({ path: '/api/v1/me' }),
  changeMyPassword: async () => ({
    path: '/api/v1/me/password',
    body: { current_password: goodPassword, new_password: 'a quiet harbour in november' },
  }),
  getMyFactors: async () => ({ path: '/api/v1/me/factors' }),
  exportMe: async (stage) => {
    await stage.house.makeFactors(me(stage))
    await stage.house.makeConnection(me(stage))
    await stage.house.makeIdentity(me(stage))
    return { path: '/api/v1/me/export' }
  },
  listMyEvents: async () => ({ path: '/api/v1/me/events' }),
  listMyPasskeys: async (stage) => {
    await stage.house.makeFactors(me(stage))
    return { path: '/api/v1/me/passkeys' }
  },
  renameMyPasskey: async (stage) => ({
    path: `/api/v1/me/passkeys/${await stage.house.makeFactors(me(stage))}`,
    body: { name: 'My old phone' },
  }),
  removeMyPasskey: async (stage) => ({ path: `/api/v1/me/passkeys/${await stage.house.makeFactors(me(stage))}` }),
  removeMyAuthenticator: async (stage) => {
    await stage.house.makeFactors(me(stage))
    return { path: '/api/v1/me/authenticator' }
  },
  beginMyAuthenticator: async () => ({ path: '/api/v1/me/authenticator/enrolment' }),
  addMyAuthenticator: async ({ house: { context }, grantId }) => {
    const secret = context.random.bytes(20)
    const enrolment = sealEnrolment(context.keys, { begunAt: `grant ${grantId}`, secret }, context.random)
    return {
      path: '/api/v1/me/authenticator',
      body: { enrolment, code: totp({ secret, now: context.clock.seconds() }) },
    }
  },
  beginMyPasskey: async () => ({ path: '/api/v1/me/passkey-challenge' }),
  addMyPasskey: async ({ house: { context }, grantId }) => {
    const place = { browser: '', purpose: `register grant ${grantId}` }
    const challenge = printPasskeyChallenge(context.keys, place, {
      now: context.clock.seconds(),
      random: context.random,
    })
    const made = createDevice(issuer).create({ challenge, rp: { id: new URL(issuer).hostname }, user: { id: 'AA' } })
    return { path: '/api/v1/me/passkeys', body: { credential: JSON.parse(made), name: 'My phone' } }
  },
  renewMyRecoveryCodes: async (stage) => {
    await stage.house.makeFactors(me(stage))
    return { path: '/api/v1/me/recovery-codes' }
  },
  getFactorsOfUser: async (stage) => ({ path: await ofTarget(stage, '/factors') }),
  resetFactorsOfUser: async (stage) => ({ path: await ofTarget(stage, '/factors') }),
  listUsers: async (stage) => {
    await target(stage)
    return { path: '/api/v1/users', query: 'limit=2' }
  },
  createUser: async () => ({
    path: '/api/v1/users',
    body: {
      username: fresh('made'),
      password: goodPassword,
      full_name: 'Ada',
      email: 'ada@example.org',
      role: 'editor',
    },
  }),
  listInvitations: async (stage) => {
    await invitationOf(stage)
    return { path: '/api/v1/invitations' }
  },
  withdrawInvitation: async (stage) => ({ path: `/api/v1/invitations/${await invitationOf(stage)}` }),
  getUser: async (stage) => ({ path: await ofTarget(stage) }),
  updateUser: async (stage) => ({ path: await ofTarget(stage), body: { full_name: 'Ada', locked: true, scopes: [] } }),
  deleteUser: async (stage) => ({ path: await ofTarget(stage) }),
  revokeTokensOfUser: async (stage) => ({ path: await ofTarget(stage, '/revoke-tokens') }),
  mintToken: async (stage) => ({
    path: await ofTarget(stage, '/tokens'),
    body: { format: 'macaroon', ttl: 600, caveats: ['method = GET'], scope: 'me', name: 'a script' },
  }),
  makeMyToken: async () => ({
    path: '/api/v1/me/tokens',
    body: { format: 'opaque', ttl: 600, scope: 'me', name: 'a script' },
  }),
  listMyTokens: async (stage) => {
    await tokenOf(stage, me(stage))
    return { path: '/api/v1/me/tokens' }
  },
  getMyToken: async (stage) => ({ path: `/api/v1/me/tokens/${await tokenOf(stage, me(stage))}` }),
  endMyToken: async (stage) => ({ path: `/api/v1/me/tokens/${await tokenOf(stage, me(stage))}` }),
  listTokensOfUser: async (stage) => {
    const user = await target(stage)
    await tokenOf(stage, user)
    return { path: `/api/v1/users/${user.userId}/tokens` }
  },
  getTokenOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/tokens/${await tokenOf(stage, user)}` }
  },
  endTokenOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/tokens/${await tokenOf(stage, user)}` }
  },
  revokeAllTokens: async () => ({ path: '/api/v1/revoke-tokens' }),

  listMySessions: async (stage) => {
    await stage.house.makeSession(me(stage))
    return { path: '/api/v1/me/sessions' }
  },
  getMySession: async (stage) => ({ path: `/api/v1/me/sessions/${await stage.house.makeSession(me(stage))}` }),
  endMySession: async (stage) => ({ path: `/api/v1/me/sessions/${await stage.house.makeSession(me(stage))}` }),
  listSessionsOfUser: async (stage) => {
    const user = await target(stage)
    await stage.house.makeSession(user)
    return { path: `/api/v1/users/${user.userId}/sessions` }
  },
  getSessionOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/sessions/${await stage.house.makeSession(user)}` }
  },
  endSessionOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/sessions/${await stage.house.makeSession(user)}` }
  },

  listMyGrants: async () => ({ path: '/api/v1/me/grants' }),
  getMyGrant: async (stage) => ({ path: `/api/v1/me/grants/${await stage.house.makeGrant(me(stage), stage.client)}` }),
  endMyGrant: async (stage) => ({ path: `/api/v1/me/grants/${await stage.house.makeGrant(me(stage), stage.client)}` }),
  listGrantsOfUser: async (stage) => {
    const user = await target(stage)
    await stage.house.makeGrant(user, stage.client)
    return { path: `/api/v1/users/${user.userId}/grants` }
  },
  getGrantOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/grants/${await stage.house.makeGrant(user, stage.client)}` }
  },
  endGrantOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/grants/${await stage.house.makeGrant(user, stage.client)}` }
  },

  listMyConsents: async (stage) => {
    await consentOf(stage, me(stage))
    return { path: '/api/v1/me/consents' }
  },
  getMyConsent: async (stage) => ({ path: `/api/v1/me/consents/${await consentOf(stage, me(stage))}` }),
  endMyConsent: async (stage) => ({ path: `/api/v1/me/consents/${await consentOf(stage, me(stage))}` }),
  listConsentsOfUser: async (stage) => {
    const user = await target(stage)
    await consentOf(stage, user)
    return { path: `/api/v1/users/${user.userId}/consents` }
  },
  getConsentOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/consents/${await consentOf(stage, user)}` }
  },
  endConsentOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/consents/${await consentOf(stage, user)}` }
  },

  listMyConnections: async (stage) => {
    await stage.house.makeConnection(me(stage))
    return { path: '/api/v1/me/connections' }
  },
  getMyConnection: async (stage) => ({
    path: `/api/v1/me/connections/${await stage.house.makeConnection(me(stage))}`,
  }),
  endMyConnection: async (stage) => ({
    path: `/api/v1/me/connections/${await stage.house.makeConnection(me(stage))}`,
  }),
  listConnectionsOfUser: async (stage) => {
    const user = await target(stage)
    await stage.house.makeConnection(user)
    return { path: `/api/v1/users/${user.userId}/connections` }
  },
  getConnectionOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/connections/${await stage.house.makeConnection(user)}` }
  },
  endConnectionOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/connections/${await stage.house.makeConnection(user)}` }
  },

  listMyIdentities: async (stage) => {
    await stage.house.makeIdentity(me(stage))
    return { path: '/api/v1/me/identities' }
  },
  getMyIdentity: async (stage) => ({ path: `/api/v1/me/identities/${await stage.house.makeIdentity(me(stage))}` }),
  endMyIdentity: async (stage) => ({ path: `/api/v1/me/identities/${await stage.house.makeIdentity(me(stage))}` }),
  listIdentitiesOfUser: async (stage) => {
    const user = await target(stage)
    await stage.house.makeIdentity(user)
    return { path: `/api/v1/users/${user.userId}/identities` }
  },
  getIdentityOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/identities/${await stage.house.makeIdentity(user)}` }
  },
  endIdentityOfUser: async (stage) => {
    const user = await target(stage)
    return { path: `/api/v1/users/${user.userId}/identities/${await stage.house.makeIdentity(user)}` }
  },
  linkIdentityOfUser: async (stage) => ({
    path: await ofTarget(stage, '/identities'),
    body: { provider: 'etsy', subject: fresh('subject '), label: 'ada' },
  }),
  findAccountName: async (stage) => ({ path: `/api/v1/account-names/${(await target(stage)).userId}` }),
  provisionIdentity: async () => ({
    path: '/api/v1/identities',
    body: {
      issuer: 'https://hub.example',
      subject: fresh('subject '),
      provider: 'hub',
      preferred_username: fresh('Grace Hopper '),
    },
  }),
  reportLeakedTokens: async (stage) => {
    const user = await target(stage)
    const { token } = await stage.house.makeToken({ client: stage.client, user, scope: 'openid' })
    return { path: '/api/v1/leaked-tokens', body: { tokens: [token, 'gth_at_x'], source: 'https://git.example/x' } }
  },
  revokeToken: async (stage) => {
    const user = await target(stage)
    const { token } = await stage.house.makeToken({ client: stage.client, user, scope: 'openid' })
    return { path: '/api/v1/revoked-tokens', body: { token } }
  },
  listProviders: async () => ({ path: '/api/v1/providers' }),
  revokeConnectionsOfProvider: async () => ({ path: '/api/v1/providers/etsy/revoke-connections' }),
  showRevokedConnectionsOfProvider: async () => ({ path: '/api/v1/providers/etsy/revoke-connections' }),
  listConnectionsOfProvider: async (stage) => {
    await stage.house.makeConnection(await target(stage))
    return { path: '/api/v1/providers/etsy/connections', query: 'limit=2' }
  },
  getConnection: async (stage) => ({
    path: `/api/v1/connections/${await stage.house.makeConnection(await target(stage))}`,
  }),
  endConnection: async (stage) => ({
    path: `/api/v1/connections/${await stage.house.makeConnection(await target(stage))}`,
  }),

  listClients: async (stage) => {
    await newClientId(stage)
    return { path: '/api/v1/clients', query: 'limit=2' }
  },
  createClient: async () => ({
    path: '/api/v1/clients',
    body: {
      client_id: fresh('web'),
      client_name: 'Web',
      redirect_uris: ['https://web.example/cb'],
      contacts: ['a@example.org'],
    },
  }),
  getClient: async (stage) => ({ path: `/api/v1/clients/${await newClientId(stage)}` }),
  updateClient: async (stage) => ({
    path: `/api/v1/clients/${await newClientId(stage)}`,
    body: { client_name: 'Another', client_uri: null },
  }),
  deleteClient: async (stage) => ({ path: `/api/v1/clients/${await newClientId(stage)}` }),
  rotateClientSecret: async (stage) => ({
    path: `/api/v1/clients/${await newClientId(stage)}/secret`,
    body: { overlap_seconds: 60 },
  }),

  listResources: async (stage) => {
    await resourceId(stage)
    return { path: '/api/v1/resources', query: 'limit=2' }
  },
  createResource: async () => ({
    path: '/api/v1/resources',
    body: { resource: `https://${fresh('made')}.example`, scope: 'read' },
  }),
  getResource: async (stage) => ({ path: `/api/v1/resources/${await resourceId(stage)}` }),
  updateResource: async (stage) => ({ path: `/api/v1/resources/${await resourceId(stage)}`, body: { scope: 'read' } }),
  deleteResource: async (stage) => ({ path: `/api/v1/resources/${await resourceId(stage)}` }),

  rotateKey: async () => ({ path: '/api/v1/keys/cursor/rotate' }),
  listKeys: async () => ({ path: '/api/v1/keys', query: 'limit=5' }),
  listEvents: async () => ({ path: '/api/v1/events', query: 'limit=5' }),
}
