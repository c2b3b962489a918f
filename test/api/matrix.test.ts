import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../src/api/operations.ts'
import type { Operation } from '../../src/api/operation.ts'
import type { Policy } from '../../src/api/policy.ts'
import type { Client } from '../../src/domain/client.ts'
import { ref } from '../../src/domain/record.ts'
import type { Role, User } from '../../src/domain/user.ts'
import { problem } from '../../src/protocol/problem.ts'
import { printCredential } from '../../src/tokens/credential.ts'
import { goodPassword, issuer, openHouse, type Answer, type House } from './house.ts'
import { rightCalls, type RightCall } from './right-calls.ts'
import { setClient, setUser } from './set-record.ts'

let house: House
let client: Client
beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({
    client_id: 'tool',
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'openid profile email me admin admin:read accounts:provision',
  })
})

const roleFor = ({ policy }: Operation): Role =>
  'role' in policy ? policy.role : policy.who === 'holder' ? 'superuser' : 'editor'
const scopeFor = ({ policy }: Operation): string => ('scopes' in policy ? (policy.scopes[0] ?? '') : 'openid')

type Made = {
  readonly caller: User
  readonly right: RightCall
  readonly token: string
  readonly grantId: string
  readonly jti: string
}

/** A caller who may make the call, and the call. */
async function stage(
  operation: Operation,
  about: {
    scope?: string
    role?: Role
    audience?: readonly string[]
    signedInAgo?: number
    client?: Client
    format?: 'opaque' | 'macaroon'
  } = {},
): Promise<Made> {
  const caller = await house.makeUser({ role: about.role ?? roleFor(operation) })
  const made = await house.makeToken({ client, scope: scopeFor(operation), ...about, user: caller })
  const right = await rightCalls[operation.id]?.({ house, caller, client, grantId: made.grantId })
  if (right === undefined) throw new Error(`no right call for ${operation.id}`)
  return { caller, right, ...made }
}

const call = (operation: Operation, { path, query, body }: RightCall, token: string | undefined): Promise<Answer> =>
  house.ask(operation.method, path, { token, body, ...(query !== undefined && { query }) })

/** The same path with other ids, of the same shape, in place of its own. */
function elsewhere(template: string, path: string): string {
  const names = template.split('/')
  const other = (id: string): string => id.slice(0, -1) + (id.endsWith('0') ? '1' : '0')
  return path
    .split('/')
    .map((part, index) => (names[index]?.startsWith('{') === true ? other(part) : part))
    .join('/')
}

function expectProblem(answer: Answer, code: Parameters<typeof problem>[0]): void {
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status: problem(code).status, code })
  expect(answer.body['type']).toBe(`urn:gatehouse:problem:${code}`)
  expect(answer.header('content-type')).toBe('application/problem+json')
  expect(answer.header('cache-control')).toBe('no-store')
  expect(answer.body['detail']).toMatch(/^[a-z].{10,}/)
}

/** What every answer must hide: whatever the fakes make of secrets. */
const secrets = ['hash of', 'passwordHash', 'password_hash', '"secrets"', '"hash"', 'sealed', goodPassword]

test('every operation has a right call, and every right call an operation', () => {
  expect(Object.keys(rightCalls).toSorted()).toEqual(operations.map(({ id }) => id).toSorted())
})

// What takes a signature and no token is in test/attacks/family-k-leaks.test.ts.
type Guarded = Operation & { readonly policy: Exclude<Policy, { readonly who: 'anybody' | 'signer' }> }
const isGuarded = ({ policy }: Operation): boolean => policy.who !== 'anybody' && policy.who !== 'signer'
const guarded = operations.filter((operation): operation is Guarded => isGuarded(operation))
const open = operations.filter(({ policy }) => policy.who === 'anybody')

test('what is for everybody takes no token, and a bad one changes nothing', async () => {
  for (const operation of open) {
    for (const token of [undefined, 'not-a-token']) {
      const right = await rightCalls[operation.id]?.({ house, caller: undefined, client })
      const answer = await call(operation, right ?? { path: '' }, token)
      expect([operation.id, answer.status]).toEqual([operation.id, operation.answer.status])
      expect(operation.answer.schema?.parse(answer.body)).toEqual(answer.body)
    }
  }
})

describe.each(guarded.map((operation) => ({ name: `${operation.method} ${operation.path}`, operation })))(
  '$name',
  ({ operation }) => {
    const { policy } = operation

    test('lets in who may, and answers in the shape it promises', async () => {
      const { right, token } = await stage(operation)
      const answer = await call(operation, right, token)
      expect(answer.body['detail']).toBeUndefined()
      expect(answer.status).toBe(operation.answer.status)
      expect(answer.header('cache-control')).toBe('no-store')
      if (operation.answer.schema === undefined) expect(answer.text).toBe('')
      else {
        expect(answer.header('content-type')).toBe('application/json')
        expect(operation.answer.schema.parse(answer.body)).toEqual(answer.body)
      }
      for (const secret of secrets) expect(answer.text).not.toContain(secret)
      if (operation.answer.status === 201 && !operation.path.endsWith('/secret')) {
        expect(answer.header('location')).toMatch(
          /^\/api\/v1\/(?:me|users\/[\w-]+|clients\/[A-Za-z0-9._~-]+|resources\/[\w-]+)(?:\/(?:tokens|identities)\/[\w-]+)?$/,
        )
      }
    })

    test.each(['opaque', 'macaroon'] as const)('takes a token that is %s as well as a JWT', async (format) => {
      const { right, token } = await stage(operation, { format })
      // K05: anybody may have been handed a macaroon, and would be rid of its caveats by a token, or a passkey, of his own.
      const refused = format === 'macaroon' && 'recentSignIn' in policy && policy.recentSignIn !== 'never'
      expect((await call(operation, right, token)).status).toBe(refused ? 401 : operation.answer.status)
    })

    test('RFC 6750 §3.1: without a token 401, and no error named', async () => {
      const { right } = await stage(operation)
      const answer = await call(operation, right, undefined)
      expectProblem(answer, 'invalid_token')
      expect(answer.header('www-authenticate')).toBe('Bearer realm="gatehouse"')
    })

    test.each(['Bearer', 'Bearer x y', 'Basic dG9vbDp4', 'bearer\tx', 'Bearer '])(
      'G22: Authorization: %j is 401',
      async (authorization) => {
        const { right } = await stage(operation)
        const answer = await house.ask(operation.method, right.path, { body: right.body, headers: { authorization } })
        expectProblem(answer, 'invalid_token')
      },
    )

    const dead: readonly (readonly [name: string, spoil: (made: Made) => string | Promise<string>])[] = [
      ['garbage', () => 'not-a-token'],
      ['an altered token', ({ token }) => `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`],
      [
        'a refresh token',
        ({ grantId }) =>
          printCredential('rt', house.context.keys, {
            recordId: grantId,
            generation: 0,
            imprint: { nonce: house.context.random.text(16), keyId: house.context.keys.secret('mac').keyId },
          }),
      ],
      [
        'a token for another API',
        async ({ caller }) =>
          (
            await house.makeToken({
              client,
              scope: scopeFor(operation),
              user: caller,
              audience: ['https://api.example'],
            })
          ).token,
      ],
      [
        'a token for us and another API',
        async ({ caller }) =>
          (
            await house.makeToken({
              client,
              scope: scopeFor(operation),
              user: caller,
              audience: [issuer, 'https://api.example'],
            })
          ).token,
      ],
      [
        'a revoked token',
        async ({ token, jti }) => {
          await house.put(ref('revoked', jti), { v: 1, at: house.context.clock.seconds() }, [])
          return token
        },
      ],
      [
        'a token of a locked account',
        async ({ token, caller }) => {
          await setUser(house, caller.userId, { locked: true })
          return token
        },
      ],
      [
        'a token of an account whose epoch moved',
        async ({ token, caller }) => {
          await setUser(house, caller.userId, { epoch: caller.epoch + 1 })
          return token
        },
      ],
    ]
    test.each(dead)('with %s 401, in the same words', async (_, spoil) => {
      const made = await stage(operation)
      const answer = await call(operation, made.right, await spoil(made))
      expectProblem(answer, 'invalid_token')
      expect(answer.header('www-authenticate')).toMatch(/^Bearer realm="gatehouse", error="invalid_token"/)
      const garbage = await call(operation, made.right, 'not-a-token')
      expect(answer.text).toBe(garbage.text)
    })

    test('an expired token is 401', async () => {
      const { right, token } = await stage(operation)
      house.wait(901)
      expectProblem(await call(operation, right, token), 'invalid_token')
    })

    if (policy.who === 'bearer') return

    test('403 insufficient_scope for any other scope, and it says which is needed', async () => {
      const others = [
        '',
        'openid',
        'me',
        'admin',
        'admin:read',
        'vault',
        'administrator',
        'accounts:provision',
        'leaks:report',
        'admin:write',
        'Admin',
      ].filter((scope) => !policy.scopes.includes(scope))
      const wide = await house.makeClient({
        scope: 'openid me admin admin:read vault administrator accounts:provision leaks:report admin:write Admin',
      })
      for (const scope of others) {
        const { right, token } = await stage(operation, { scope, client: wide, role: 'superuser' })
        const answer = await call(operation, right, token)
        expectProblem(answer, 'insufficient_scope')
        expect(answer.header('www-authenticate')).toContain(`error="insufficient_scope"`)
        expect(answer.header('www-authenticate')).toContain(`scope="${policy.scopes[0]}"`)
      }
    })

    test('who may not is told so before anything of the request is read', async () => {
      const { right, token } = await stage(operation, { scope: 'openid' })
      const answer = await house.ask(operation.method, right.path, { token, body: '{broken', query: 'nonsense=1' })
      expectProblem(answer, 'insufficient_scope')
    })

    if ((policy.who === 'oneself' || policy.who === 'owner') && operation.path.includes('{')) {
      test('what is another person’s is as what isn’t there, and stays as it is', async () => {
        const { right, token } = await stage(operation)
        const other = await house.makeUser()
        // By another client: with this one the stranger would have something of his own.
        const theirClient = await house.makeClient()
        const wishes = { client: theirClient, scope: scopeFor(operation), user: other }
        const { token: stranger } = await house.makeToken(wishes)
        const absent = { ...right, path: elsewhere(operation.path, right.path) }
        const [theirs, none] = [await call(operation, right, stranger), await call(operation, absent, stranger)]
        expect([theirs.status, theirs.text]).toEqual([none.status, none.text])
        expect(theirs.status).toBe(404)
        expect((await call(operation, right, token)).status).toBe(operation.answer.status)
      })
    }

    if (policy.who === 'oneself') {
      test('a client that acts for itself is no person', async () => {
        const { right } = await stage(operation)
        const { token } = await house.makeToken({ client, scope: scopeFor(operation) })
        expectProblem(await call(operation, right, token), 'forbidden')
      })
    } else if (policy.who === 'owner') {
      test('a client that acts for itself has what is its own, by a scope of its own, and nothing of a person', async () => {
        const program = await house.makeClient({
          grant_types: ['client_credentials'],
          redirect_uris: [],
          scope: [...policy.clientScopes, ...policy.scopes].join(' '),
        })
        const { right } = await stage(operation)
        const asked = async (scope: string) =>
          call(operation, right, (await house.makeToken({ client: program, scope })).token)
        const answer = await asked(policy.clientScopes.join(' '))
        if (operation.path.includes('{')) expectProblem(answer, 'not_found')
        else expect([answer.status, answer.body]).toEqual([200, { items: [], next: null }])
        expectProblem(await asked(policy.scopes.join(' ')), 'insufficient_scope')
      })
    } else if (policy.who === 'holder') {
      test('a client that acts for itself has it as well', async () => {
        const { right } = await stage(operation)
        const { token } = await house.makeToken({ client, scope: scopeFor(operation) })
        expect((await call(operation, right, token)).status).toBe(operation.answer.status)
      })

      test('an account that lost the scope is refused at once', async () => {
        const { caller, right, token } = await stage(operation)
        await setUser(house, caller.userId, { role: 'admin' })
        expectProblem(await call(operation, right, token), 'insufficient_scope')
      })
    } else {
      test('a scope that the client has lost since is gone from its tokens', async () => {
        const former = await house.makeClient({})
        const { right, token } = await stage(operation, { client: former })
        await setClient(house, former.clientId, { scope: ['openid', 'me'] })
        expectProblem(await call(operation, right, token), 'insufficient_scope')
      })

      test('the role counts as it is stored now, not as it was', async () => {
        const { caller, right, token } = await stage(operation)
        await setUser(house, caller.userId, { role: 'editor' })
        expectProblem(await call(operation, right, token), 'insufficient_scope')
      })

      test('a lower role is 403, before anything of the request is read', async () => {
        const lower: readonly Role[] = policy.role === 'superuser' ? ['admin', 'editor'] : ['editor']
        for (const role of lower) {
          const { right, token } = await stage(operation, { role })
          const answer = await call(operation, { ...right, query: 'nonsense=1' }, token)
          expect(answer.status).toBe(403)
        }
      })

      test('a client that acts for itself stands where an admin stands', async () => {
        const { right } = await stage(operation)
        const { token } = await house.makeToken({ client, scope: 'admin' })
        if (policy.role === 'superuser') {
          expectProblem(await call(operation, { ...right, query: 'nonsense=1' }, token), 'forbidden')
        } else expect((await call(operation, right, token)).status).toBe(operation.answer.status)
      })

      if (operation.method !== 'GET') {
        test('admin:read changes nothing', async () => {
          const { right, token } = await stage(operation, { scope: 'admin:read', role: 'superuser' })
          expectProblem(await call(operation, right, token), 'insufficient_scope')
        })
      }
    }

    if ('recentSignIn' in policy && policy.recentSignIn !== 'never') {
      test('RFC 9470 §3: after five minutes it asks for a new sign-in', async () => {
        const fresh = await stage(operation, { signedInAgo: 300 })
        expect((await call(operation, fresh.right, fresh.token)).status).toBe(operation.answer.status)
        const late = await stage(operation, { signedInAgo: 301 })
        const answer = await call(operation, late.right, late.token)
        expectProblem(answer, 'recent_sign_in_needed')
        expect(answer.header('www-authenticate')).toMatch(/error="insufficient_user_authentication".*, max_age="300"$/)
      })
    }

    test('query parameters that are unknown or come twice are refused', async () => {
      const { right, token } = await stage(operation)
      for (const query of [
        'user_id=usr_x',
        'limit=1&limit=1',
        '__proto__[isAdmin]=1',
        'a=%',
        'limit=%00',
        'constructor.prototype.x=1',
      ]) {
        const answer = await house.ask(operation.method, right.path, { token, body: right.body, query })
        expect(answer.status).toBe(400)
      }
      expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined()
    })
  },
)
