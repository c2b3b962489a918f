import { describe, expect, test } from 'vitest'
import { authority } from '../../src/domain/authority.ts'
import type { Actor, Deed } from '../../src/domain/authority.ts'
import type { Client } from '../../src/domain/client.ts'
import type { Resource } from '../../src/domain/resource.ts'
import type { Role, User } from '../../src/domain/user.ts'

const roles: readonly Role[] = ['editor', 'admin', 'superuser']
const rank = (role: Role): number => roles.indexOf(role)

function user(role: Role, over: Partial<User> = {}): User {
  return {
    v: 1,
    userId: `usr_${role}`,
    username: role,
    emailVerified: false,
    role,
    bot: false,
    scopes: [],
    epoch: 1,
    locked: false,
    createdAt: 0,
    updatedAt: 0,
    ...over,
  }
}

const acting = (role: Role, scopes: readonly string[] = ['admin'], over: Partial<User> = {}): Actor => ({
  kind: 'user',
  user: user(role, { userId: 'usr_actor', ...over }),
  scopes,
})

const client: Client = {
  v: 1,
  clientId: 'tool',
  authentication: { method: 'client_secret_basic', secrets: [] },
  redirectUris: [],
  postLogoutRedirectUris: [],
  grantTypes: ['client_credentials'],
  scope: ['admin', 'vault'],
  idTokenAlgorithm: 'RS256',
  legacy: [],
  loopbackOnly: false,
  epoch: 1,
  managedBy: 'administrator',
  disabled: false,
  createdAt: 0,
  updatedAt: 0,
}

const api: Resource = {
  v: 1,
  resource: 'https://api.example',
  scope: ['payroll'],
  accessToken: { format: 'jwt', ttl: 900, claims: [] },
  introspectionClients: [],
  managedBy: 'administrator',
  disabled: false,
  createdAt: 0,
  updatedAt: 0,
}

/** Every deed on somebody else, with what it takes apart from rank over the target. */
const onOthers = (target: User): readonly Deed[] => [
  { do: 'change-user', target },
  { do: 'set-role', target, role: 'editor' },
  { do: 'set-scopes', target, scopes: [] },
  { do: 'lock-user', target },
  { do: 'unlock-user', target },
  { do: 'delete-user', target },
  { do: 'revoke-tokens', target },
  { do: 'mint', target, scopes: [], resource: undefined },
]
const onNobody: readonly Deed[] = [
  { do: 'create-user', role: 'editor', scopes: [] },
  { do: 'write-client', given: [], held: [] },
  { do: 'delete-client' },
  { do: 'write-resource', freed: [] },
]

describe('nobody acts on somebody of a higher role', () => {
  for (const actorRole of roles) {
    for (const targetRole of roles) {
      for (const deed of onOthers(user(targetRole))) {
        const expected =
          rank(actorRole) < rank('admin')
            ? 'role_too_low'
            : rank(targetRole) > rank(actorRole)
              ? 'target_above_actor'
              : true
        test(`${actorRole} ${deed.do} ${targetRole}: ${expected}`, () => {
          const verdict = authority(acting(actorRole), deed)
          expect(verdict.allowed ? true : verdict.reason).toBe(expected)
        })
      }
    }
  }
})

describe('nobody gives a role that he lacks', () => {
  for (const actorRole of ['admin', 'superuser'] as const) {
    for (const role of roles) {
      const expected = rank(role) <= rank(actorRole)
      test(`${actorRole} makes a new ${role}: ${expected}`, () => {
        expect(authority(acting(actorRole), { do: 'create-user', role, scopes: [] }).allowed).toBe(expected)
      })
      test(`${actorRole} raises an editor to ${role}: ${expected}`, () => {
        expect(authority(acting(actorRole), { do: 'set-role', target: user('editor'), role }).allowed).toBe(expected)
      })
    }
  }
})

describe('nobody gives a scope that he lacks', () => {
  const cases: readonly [string, Actor, readonly string[], boolean][] = [
    ['admin gives admin:read', acting('admin'), ['admin:read'], true],
    ['admin gives accounts:provision', acting('admin'), ['accounts:provision'], false],
    [
      'admin who was given accounts:provision gives it on',
      acting('admin', ['admin'], { scopes: ['accounts:provision'] }),
      ['accounts:provision'],
      true,
    ],
    ['superuser gives accounts:provision', acting('superuser'), ['accounts:provision'], true],
    ['one scope of several is lacking', acting('admin'), ['admin:read', 'accounts:provision'], false],
    ['a client gives a scope of its own', { kind: 'client', client, scopes: ['admin'] }, ['vault'], true],
    ['a client gives a scope that it lacks', { kind: 'client', client, scopes: ['admin'] }, ['me'], false],
  ]
  test.each(cases)('%s', (_name, actor, scopes, expected) => {
    expect(authority(actor, { do: 'create-user', role: 'editor', scopes }).allowed).toBe(expected)
    expect(authority(actor, { do: 'set-scopes', target: user('editor'), scopes }).allowed).toBe(expected)
    expect(authority(actor, { do: 'write-client', given: scopes, held: [] }).allowed).toBe(expected)
  })

  describe.each(['payroll', 'vault:etsy'])('a free scope, which an API may have people hold: %s', (scope) => {
    const held: Resource = { ...api, scope: [...api.scope, scope], heldScopes: [scope] }
    test.each<[string, Actor, boolean]>([
      ['a superuser', acting('superuser'), true],
      ['an admin who lacks it', acting('admin'), false],
      ['an admin who holds it', acting('admin', ['admin'], { scopes: [scope] }), true],
    ])('is given, freed and minted by %s', (_name, actor, expected) => {
      const target = user('editor')
      const scopes = [scope]
      expect(authority(actor, { do: 'create-user', role: 'editor', scopes }).allowed).toBe(expected)
      expect(authority(actor, { do: 'set-scopes', target, scopes }).allowed).toBe(expected)
      expect(authority(actor, { do: 'write-resource', freed: scopes }).allowed).toBe(expected)
      expect(authority(actor, { do: 'write-client', given: scopes, held: scopes }).allowed).toBe(expected)
      expect(authority(actor, { do: 'mint', target, scopes, resource: held }).allowed).toBe(expected)
      // Where nobody needs to hold it, it is as free as before.
      expect(authority(actor, { do: 'mint', target, scopes, resource: api }).allowed).toBe(true)
    })
  })

  test('what somebody holds already is not given again', () => {
    const target = user('editor', { scopes: ['accounts:provision', 'admin:read'] })
    expect(authority(acting('admin'), { do: 'set-scopes', target, scopes: ['accounts:provision'] }).allowed).toBe(true)
  })

  test('introspect is for administrators to give to clients, but not to themselves through an account', () => {
    expect(authority(acting('admin'), { do: 'write-client', given: ['introspect'], held: [] }).allowed).toBe(true)
    expect(authority(acting('admin'), { do: 'create-user', role: 'editor', scopes: ['introspect'] }).allowed).toBe(
      false,
    )
  })
})

describe('the token must reach as far as the account', () => {
  test.each([...onOthers(user('editor')), ...onNobody, { do: 'revoke-everything' } as const])(
    '$do needs the scope admin',
    (deed) => {
      for (const scopes of [[], ['me'], ['admin:read'], ['openid', 'vault']]) {
        expect(authority(acting('superuser', scopes), deed)).toEqual({ allowed: false, reason: 'scope_missing' })
      }
      expect(authority(acting('superuser'), deed)).toEqual({ allowed: true })
    },
  )

  test.each([...onNobody, { do: 'read' } as const])('$do needs the role admin, whatever the token says', (deed) => {
    expect(authority(acting('editor', ['admin', 'admin:read']), deed)).toEqual({
      allowed: false,
      reason: 'role_too_low',
    })
  })

  test('reading takes admin or admin:read', () => {
    expect(authority(acting('admin', ['admin:read']), { do: 'read' }).allowed).toBe(true)
    expect(authority(acting('admin', ['admin']), { do: 'read' }).allowed).toBe(true)
    expect(authority(acting('admin', ['me']), { do: 'read' })).toEqual({ allowed: false, reason: 'scope_missing' })
  })

  test('only a superuser ends everything', () => {
    expect(authority(acting('admin'), { do: 'revoke-everything' })).toEqual({ allowed: false, reason: 'role_too_low' })
    expect(authority({ kind: 'client', client, scopes: ['admin'] }, { do: 'revoke-everything' }).allowed).toBe(false)
    expect(authority(acting('superuser'), { do: 'revoke-everything' }).allowed).toBe(true)
  })

  test('a client stands where an admin stands', () => {
    const actor: Actor = { kind: 'client', client, scopes: ['admin'] }
    expect(authority(actor, { do: 'delete-user', target: user('admin') }).allowed).toBe(true)
    expect(authority(actor, { do: 'delete-user', target: user('superuser') })).toEqual({
      allowed: false,
      reason: 'target_above_actor',
    })
    expect(authority(actor, { do: 'create-user', role: 'superuser', scopes: [] })).toEqual({
      allowed: false,
      reason: 'role_above_actor',
    })
  })
})

describe('oneself', () => {
  const myself = user('superuser', { userId: 'usr_actor' })

  test.each(['lock-user', 'delete-user'] as const)(
    'nobody does %s to himself: the last administrator would be gone',
    (deed) => {
      expect(authority(acting('superuser'), { do: deed, target: myself })).toEqual({
        allowed: false,
        reason: 'oneself',
      })
    },
  )

  test('nobody changes his own role', () => {
    expect(authority(acting('superuser'), { do: 'set-role', target: myself, role: 'editor' })).toEqual({
      allowed: false,
      reason: 'oneself',
    })
  })

  test('everybody may change and delete himself with the scope me', () => {
    for (const role of roles) {
      const actor = acting(role, ['me'])
      expect(authority(actor, { do: 'change-self', target: user(role, { userId: 'usr_actor' }) }).allowed).toBe(true)
      expect(authority(actor, { do: 'delete-self', target: user(role, { userId: 'usr_actor' }) }).allowed).toBe(true)
    }
  })

  test('me reaches nobody else, and no client has a self', () => {
    expect(authority(acting('superuser', ['me']), { do: 'change-self', target: user('editor') })).toEqual({
      allowed: false,
      reason: 'not_oneself',
    })
    expect(authority({ kind: 'client', client, scopes: ['me'] }, { do: 'delete-self', target: myself })).toEqual({
      allowed: false,
      reason: 'not_oneself',
    })
  })
})

test('the command line may do everything', () => {
  const deeds: readonly Deed[] = [
    ...onOthers(user('superuser')),
    ...onNobody,
    { do: 'revoke-everything' },
    { do: 'read' },
  ]
  for (const deed of deeds) expect(authority({ kind: 'cli' }, deed)).toEqual({ allowed: true })
})

describe('narrow powers', () => {
  const me = user('editor', { userId: 'usr_actor' })
  test('one makes tokens for oneself alone, and only by a token that may manage the account', () => {
    const own = { do: 'mint-own', target: me, scopes: ['me'] } as const
    expect(authority(acting('editor', ['me']), own)).toEqual({ allowed: true })
    expect(authority(acting('editor', ['openid']), own)).toMatchObject({ reason: 'scope_missing' })
    expect(authority(acting('superuser', ['me', 'admin']), { ...own, target: user('editor') })).toMatchObject({
      reason: 'not_oneself',
    })
    expect(authority({ kind: 'client', client, scopes: ['me'] }, own)).toMatchObject({ reason: 'not_oneself' })
  })

  const frontEnd: Actor = {
    kind: 'client',
    client: { ...client, scope: ['accounts:provision', 'admin', 'read'] },
    scopes: ['accounts:provision'],
  }
  const provision = (target: User | undefined, scopes: readonly string[]): Deed => ({ do: 'provision', target, scopes })
  test.each<[string, Actor, Deed, string | true]>([
    ['a newcomer', frontEnd, provision(undefined, ['openid', 'me']), true],
    ['an admin', frontEnd, provision(user('admin'), ['openid', 'me']), true],
    ['a superuser', frontEnd, provision(user('superuser'), ['openid']), 'target_above_actor'],
    ['a scope of an API that it holds', frontEnd, provision(undefined, ['read']), true],
    ['a scope of an API that it lacks', frontEnd, provision(undefined, ['write']), 'scope_not_held'],
    ['a power over this server', frontEnd, provision(user('admin'), ['admin']), 'scope_not_held'],
    ['its own power', frontEnd, provision(undefined, ['accounts:provision']), 'scope_not_held'],
    ['by another scope', { ...frontEnd, scopes: ['admin'] }, provision(undefined, ['openid']), 'scope_missing'],
    [
      'a bot for an admin',
      acting('editor', ['accounts:provision']),
      provision(user('admin'), []),
      'target_above_actor',
    ],
  ])('a front end that provisions %s', (_name, actor, deed, expected) => {
    const verdict = authority(actor, deed)
    expect(verdict.allowed ? true : verdict.reason).toBe(expected)
  })
})
