import { beforeEach, describe, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/create-user.ts'
import { endSession } from '../../src/accounts/end-session.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import type { Client } from '../../src/domain/client.ts'
import { ref } from '../../src/domain/record.ts'
import { isSessionAlive } from '../../src/domain/session-state.ts'
import type { Role, User } from '../../src/domain/user.ts'
import { done, goodPassword, openHouse, type House } from './house.ts'
import { setUser } from './set-record.ts'

let house: House
let client: Client
beforeEach(async () => {
  house = await openHouse()
  client = await house.makeClient({ client_id: 'console', scope: 'openid profile email me admin admin:read vault' })
})

const tokenFor = async (user: User, scope = 'me admin'): Promise<string> =>
  (await house.makeToken({ client, user, scope })).token

describe('M05, M11: nobody reaches above himself', () => {
  const ranks: readonly (readonly [actor: Role, target: Role, allowed: boolean])[] = [
    ['admin', 'editor', true],
    ['admin', 'admin', true],
    ['admin', 'superuser', false],
    ['superuser', 'superuser', true],
  ]
  test.each(ranks)(
    'an account of the role %s does to one of the role %s what it may: %s',
    async (actor, role, allowed) => {
      const token = await tokenFor(await house.makeUser({ role: actor }))
      const deeds: readonly (readonly [method: string, rest: string, body?: unknown])[] = [
        ['PATCH', '', { full_name: 'Another' }],
        ['PATCH', '', { username: 'renamed' }],
        ['PATCH', '', { password: 'another fine long password' }],
        ['PATCH', '', { locked: true }],
        ['PATCH', '', { role: 'editor' }],
        ['PATCH', '', { scopes: [] }],
        ['PATCH', '', {}],
        ['POST', '/revoke-tokens'],
        ['DELETE', ''],
      ]
      for (const [method, rest, body] of deeds) {
        const target = await house.makeUser({ role })
        const session = await house.makeSession(target)
        const before = await house.read(ref('user', target.userId))
        const answer = await house.ask(method, `/api/v1/users/${target.userId}${rest}`, { token, body })
        expect([method, body, answer.status < 300]).toEqual([method, body, allowed])
        if (!allowed) {
          expect(answer.body['code']).toBe('forbidden')
          expect(await house.read(ref('user', target.userId))).toEqual(before)
        }
        const ended = await house.ask('DELETE', `/api/v1/users/${target.userId}/sessions/${session}`, { token })
        if (method === 'PATCH') expect(ended.status).toBe(allowed ? 204 : 403)
      }
    },
  )

  test('a role above his own is not his to give, at birth or later, alone or among other changes', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'admin' }))
    const made = await house.ask('POST', '/api/v1/users', { token, body: { username: 'high', role: 'superuser' } })
    expect([made.status, made.body['code']]).toEqual([403, 'forbidden'])
    const target = await house.makeUser()
    const raised = await house.ask('PATCH', `/api/v1/users/${target.userId}`, {
      token,
      body: { full_name: 'X', role: 'superuser' },
    })
    expect(raised.status).toBe(403)
    expect(await house.read(ref('user', target.userId))).toEqual(target)
  })

  test('a scope that he lacks is not his to give', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'admin' }))
    const target = await house.makeUser()
    for (const scopes of [['introspect'], ['accounts:provision'], ['openid', 'accounts:provision']]) {
      const answer = await house.ask('PATCH', `/api/v1/users/${target.userId}`, { token, body: { scopes } })
      expect([scopes, answer.status]).toEqual([scopes, 403])
    }
    const born = await house.ask('POST', '/api/v1/users', { token, body: { username: 'bot', scopes: ['introspect'] } })
    expect(born.status).toBe(403)
  })

  test('whoever acts cannot take his own place away', async () => {
    const admin = await house.makeUser({ role: 'superuser' })
    const token = await tokenFor(admin)
    const path = `/api/v1/users/${admin.userId}`
    for (const body of [{ locked: true }, { role: 'editor' }]) {
      expect((await house.ask('PATCH', path, { token, body })).status).toBe(403)
    }
    expect((await house.ask('DELETE', path, { token })).status).toBe(403)
    // What is so already is no change.
    expect((await house.ask('PATCH', path, { token, body: { role: 'superuser', full_name: 'Me' } })).status).toBe(200)
  })

  test('M11: a role is one of three words and nothing that looks like them', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'superuser' }))
    for (const role of ['Admin', 'ADMIN', 'ａｄｍｉｎ', 'root', 'admin ', '', 'bot', null, ['admin'], 2]) {
      const answer = await house.ask('POST', '/api/v1/users', { token, body: { username: 'somebody', role } })
      expect([role, answer.status, answer.body['field']]).toEqual([role, 400, 'role'])
    }
  })
})

describe('accounts', () => {
  test('are made, shown, found, changed, deleted', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'admin' }))
    const made = await house.ask('POST', '/api/v1/users', {
      token,
      body: { username: 'Ada', password: goodPassword, full_name: 'Ada Lovelace', email: 'ada@example.org' },
    })
    expect(made.status).toBe(201)
    const path = made.header('location') ?? ''
    expect(path).toBe(`/api/v1/users/${String(made.body['user_id'])}`)
    expect((await house.ask('GET', path, { token })).body).toEqual(made.body)
    const changed = await house.ask('PATCH', path, {
      token,
      body: { full_name: null, email: 'ada@example.com', username: 'ada.l' },
    })
    expect(changed.body).toEqual({ ...made.body, full_name: null, email: 'ada@example.com', username: 'ada.l' })
    expect((await house.ask('DELETE', path, { token })).status).toBe(204)
    expect((await house.ask('GET', path, { token })).status).toBe(404)
    expect((await house.ask('DELETE', path, { token })).status).toBe(404)
  })

  test('H09: a name that is somebody else’s when normalised is a conflict', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'admin' }))
    await house.makeUser({ username: 'grace' })
    for (const username of ['grace', 'GRACE', 'ｇｒａｃｅ', ' grace ']) {
      const { status, body } = await house.ask('POST', '/api/v1/users', { token, body: { username } })
      expect([status, body['code'], body['field']]).toEqual([409, 'conflict', 'username'])
    }
    for (const username of ['grаce', 'usr_x', '-x', 'a b', 'gr\u200bace']) {
      const { status, body } = await house.ask('POST', '/api/v1/users', { token, body: { username } })
      expect([username, status, body['field']]).toEqual([username, 400, 'username'])
    }
  })

  test('of twenty that want one name at once one gets it, and each of the others hears 409', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'admin' }))
    const users = await Promise.all(Array.from({ length: 20 }, () => house.makeUser()))
    const answers = await Promise.all(
      users.map(({ userId }) => house.ask('PATCH', `/api/v1/users/${userId}`, { token, body: { username: 'wanted' } })),
    )
    const counted = [200, 409].map((status) => answers.filter((answer) => answer.status === status).length)
    expect(counted).toEqual([1, 19])
  })

  test('a changed password, another role, a lock and revoke-tokens end every token of the account', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'superuser' }))
    const deeds: readonly (readonly [method: string, rest: string, body?: unknown])[] = [
      ['PATCH', '', { password: 'another fine long password' }],
      ['PATCH', '', { role: 'admin' }],
      ['PATCH', '', { locked: true }],
      ['POST', '/revoke-tokens'],
      ['DELETE', ''],
    ]
    for (const [method, rest, body] of deeds) {
      const target = await house.makeUser()
      const theirs = await tokenFor(target, 'me')
      expect((await house.ask('GET', '/api/v1/me', { token: theirs })).status).toBe(200)
      const answer = await house.ask(method, `/api/v1/users/${target.userId}${rest}`, { token, body })
      expect(answer.status).toBeLessThan(300)
      expect([method, body, (await house.ask('GET', '/api/v1/me', { token: theirs })).status]).toEqual([
        method,
        body,
        401,
      ])
    }
  })

  test('revoke-tokens tells the new epoch; for everybody it ends the asker’s token too', async () => {
    const admin = await house.makeUser({ role: 'superuser' })
    const token = await tokenFor(admin)
    const target = await house.makeUser()
    const { body } = await house.ask('POST', `/api/v1/users/${target.userId}/revoke-tokens`, { token })
    expect(body).toEqual({ epoch: (await house.read(ref('user', target.userId)))?.epoch })
    expect(body['epoch']).toBeGreaterThan(target.epoch)
    const all = await house.ask('POST', '/api/v1/revoke-tokens', { token })
    expect(all.body).toEqual({ epoch: (await house.read(ref('instance', 'self')))?.epoch })
    expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(401)
  })

  test('a bot needs somebody who answers for it', async () => {
    const admin = await house.makeUser({ role: 'admin' })
    const token = await tokenFor(admin)
    const alone = await house.ask('POST', '/api/v1/users', { token, body: { username: 'robot', bot: true } })
    expect([alone.status, alone.body['field']]).toEqual([400, 'wrangler'])
    const made = await house.ask('POST', '/api/v1/users', {
      token,
      body: { username: 'robot', bot: true, wrangler: admin.userId },
    })
    expect(made.body).toMatchObject({ bot: true, wrangler: admin.userId })
    const other = await house.makeUser({ role: 'editor' })
    const path = made.header('location') ?? ''
    const handed = await house.ask('PATCH', path, { token, body: { wrangler: other.userId } })
    expect(handed.body).toMatchObject({ wrangler: other.userId })
    for (const wrangler of [String(made.body['user_id']), 'usr_AAAAAAAAAAAAAAAAAAAAAA']) {
      expect((await house.ask('PATCH', path, { token, body: { wrangler } })).body['field']).toBe('wrangler')
    }
  })

  test('a password that is too short or easy is refused, and never repeated', async () => {
    const token = await tokenFor(await house.makeUser({ role: 'admin' }))
    for (const password of ['short', 'guess me if you can', 'x'.repeat(1_024) + 'ü']) {
      const { status, body, text } = await house.ask('POST', '/api/v1/users', {
        token,
        body: { username: 'weak', password },
      })
      expect([status, body['field']]).toEqual([400, 'password'])
      expect(text).not.toContain(password)
    }
  })

  test.each([600, 'untold'] as const)(
    'RFC 9470 §3: whoever changes names, password, role, scopes or lock of another must have signed in just now (%s)',
    async (signedInAgo) => {
      const admin = await house.makeUser({ role: 'admin' })
      const { token } = await house.makeToken({ client, user: admin, scope: 'admin', signedInAgo })
      const target = await house.makeUser()
      const path = `/api/v1/users/${target.userId}`
      for (const body of [
        { username: 'x1' },
        { full_name: 'X' },
        { email: null },
        { password: 'another fine long password' },
        { locked: false, full_name: 'X' },
        { locked: true },
      ]) {
        const answer = await house.ask('PATCH', path, { token, body })
        expect([answer.status, answer.body['code']]).toEqual([401, 'recent_sign_in_needed'])
      }
      expect(await house.read(ref('user', target.userId))).toEqual(target)
    },
  )
})

describe('a client that acts for itself', () => {
  test('administers as an admin does, and its name stands in the events', async () => {
    const { token } = await house.makeToken({ client, scope: 'admin' })
    const made = await house.ask('POST', '/api/v1/users', { token, body: { username: 'ada' } })
    expect(made.status).toBe(201)
    expect(await house.events()).toContainEqual(
      expect.objectContaining({ type: 'user.created', userId: made.body['user_id'], actor: 'console' }),
    )
    const high = await house.makeUser({ role: 'superuser' })
    expect((await house.ask('PATCH', `/api/v1/users/${high.userId}`, { token, body: { locked: true } })).status).toBe(
      403,
    )
    expect(
      (await house.ask('POST', '/api/v1/users', { token, body: { username: 'high', role: 'superuser' } })).status,
    ).toBe(403)
  })

  test('gives a client no scope that it lacks', async () => {
    const { token } = await house.makeToken({ client, scope: 'admin' })
    const redirect_uris = ['https://x.example/cb']
    const given = await house.ask('POST', '/api/v1/clients', { token, body: { redirect_uris, scope: 'openid vault' } })
    expect(given.status).toBe(201)
    const over = await house.ask('POST', '/api/v1/clients', {
      token,
      body: { redirect_uris, scope: 'openid accounts:provision' },
    })
    expect(over.status).toBe(403)
  })
})

describe('oneself', () => {
  test('is shown, and whom a token speaks for', async () => {
    const user = await house.makeUser({ username: 'ada', fullName: 'Ada' })
    const token = await tokenFor(user, 'me openid')
    const mine = await house.ask('GET', '/api/v1/me', { token })
    expect(mine.body).toMatchObject({ user_id: user.userId, username: 'ada', full_name: 'Ada', role: 'editor' })
    const session = await house.ask('GET', '/api/v1/me/session', { token })
    expect(session.body).toEqual({
      user_id: user.userId,
      username: 'ada',
      role: 'editor',
      scope: 'me openid',
      client_id: 'console',
      expires_at: house.context.clock.seconds() + 900,
    })
    const { token: own } = await house.makeToken({ client, scope: 'admin' })
    expect((await house.ask('GET', '/api/v1/me/session', { token: own })).body).toMatchObject({
      user_id: null,
      username: null,
      role: null,
      client_id: 'console',
    })
  })

  test('me/session shows what is true now: the role as stored, no scope that was lost', async () => {
    const user = await house.makeUser({ role: 'admin' })
    const token = await tokenFor(user, 'me admin')
    await setUser(house, user.userId, { role: 'editor' })
    expect((await house.ask('GET', '/api/v1/me/session', { token })).body).toMatchObject({
      role: 'editor',
      scope: 'me',
    })
  })

  test('names change, and an address that changes is unverified', async () => {
    const user = await house.makeUser({ email: 'ada@example.org' })
    await setUser(house, user.userId, { emailVerified: true })
    const token = await tokenFor(user, 'me')
    const kept = await house.ask('PATCH', '/api/v1/me', { token, body: { full_name: 'Ada', email: 'ada@example.org' } })
    expect(kept.body).toMatchObject({ full_name: 'Ada', email_verified: true })
    const moved = await house.ask('PATCH', '/api/v1/me', { token, body: { email: 'eve@example.org' } })
    expect(moved.body).toMatchObject({ email: 'eve@example.org', email_verified: false })
  })

  test('goes for good: token, name and account', async () => {
    const user = await house.makeUser({ username: 'ada' })
    const token = await tokenFor(user, 'me')
    expect((await house.ask('DELETE', '/api/v1/me', { token })).status).toBe(204)
    expect((await house.ask('GET', '/api/v1/me/session', { token })).status).toBe(401)
    expect(await house.read(ref('name', 'username:ada'))).toBeUndefined()
  })
})

test('L1: an administrator changes his own password as everybody does, not by the entrance for others', async () => {
  const user = await house.makeUser({ role: 'admin' })
  const wanted = { format: 'opaque', scope: ['openid', 'admin'] } as const
  const minted = done(await mintToken(house.context, { actor: { kind: 'cli' }, userId: user.userId }, wanted))
  for (const token of [minted.token, await tokenFor(user)]) {
    const answer = await house.ask('PATCH', `/api/v1/users/${user.userId}`, {
      token,
      body: { password: 'a quiet harbour in november', full_name: 'Ada' },
    })
    expect([answer.status, answer.body['field']]).toEqual([400, 'password'])
  }
  expect(await house.read(ref('user', user.userId))).toEqual(user)
})

describe('POST /api/v1/me/password', () => {
  const change = (token: string, current_password: string, new_password = 'a quiet harbour in november') =>
    house.ask('POST', '/api/v1/me/password', { token, body: { current_password, new_password } })

  const choose = (token: string) =>
    house.ask('POST', '/api/v1/me/password', { token, body: { new_password: 'a quiet harbour in november' } })

  test('takes the new one, and every session and token of the account ends', async () => {
    const user = await house.makeUser()
    const token = await tokenFor(user, 'me')
    expect((await change(token, goodPassword)).status).toBe(204)
    expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(401)
    expect((await house.read(ref('user', user.userId)))?.passwordHash).toBe('hash of a quiet harbour in november')
    expect(await house.events()).toContainEqual(
      expect.objectContaining({ type: 'user.password_changed', userId: user.userId }),
    )
  })

  test('each is a letter, and work: twenty at once, then one a minute, good ones and weak ones', async () => {
    const user = await house.makeUser()
    const token = await tokenFor(user, 'me')
    for (let count = 0; count < 20; count += 1) expect((await change(token, goodPassword, 'short')).status).toBe(400)
    const waits = await change(token, goodPassword)
    expect([waits.status, Number(waits.header('retry-after')) > 0]).toEqual([429, true])
    const other = await tokenFor(await house.makeUser(), 'me')
    expect((await change(other, goodPassword)).status).toBe(204)
  })

  test('a thief of it, who changes things from elsewhere again and again, keeps its owner from no change', async () => {
    const user = await house.makeUser()
    while ('forgive' in house.context.limits.reserve('credential-change', [user.userId, '198.51.100.9']));
    expect((await change(await tokenFor(user, 'me'), goodPassword)).status).toBe(204)
  })

  test('the browser session that the token came of stays, and no other; its tokens end', async () => {
    const user = await house.makeUser()
    const [own, other] = [await house.makeSession(user), await house.makeSession(user)]
    const { token } = await house.makeToken({ client, user, scope: 'me', sessionId: own })
    expect((await change(token, goodPassword)).status).toBe(204)
    expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(401)
    const holds = async (sessionId: string): Promise<boolean> => {
      const [session, after] = [await house.read(ref('session', sessionId)), await house.read(ref('user', user.userId))]
      const instance = await house.context.directory.instance()
      const now = house.context.clock.seconds()
      return session !== undefined && after !== undefined && isSessionAlive({ session, user: after, instance }, now)
    }
    expect([await holds(own), await holds(other)]).toEqual([true, false])
  })

  test('a session that had ended, or is another person’s, is not revived', async () => {
    const user = await house.makeUser()
    const [mine, foreign] = [await house.makeSession(user), await house.makeSession(await house.makeUser())]
    const before = await house.read(ref('session', foreign))
    const { token } = await house.makeToken({ client, user, scope: 'me', sessionId: foreign })
    expect((await change(token, goodPassword)).status).toBe(204)
    expect(await house.read(ref('session', foreign))).toEqual(before)
    const then = await house.read(ref('session', mine))
    const changed = await house.read(ref('user', user.userId))
    const { token: later } = await house.makeToken({ client, user: changed ?? user, scope: 'me', sessionId: mine })
    expect((await change(later, 'a quiet harbour in november', 'seven herons cross a lock')).status).toBe(204)
    expect(await house.read(ref('session', mine))).toEqual(then)
  })

  test('the current password stands in for a recent sign-in', async () => {
    const user = await house.makeUser()
    const { token } = await house.makeToken({ client, user, scope: 'me', signedInAgo: 80_000 })
    expect((await change(token, goodPassword)).status).toBe(204)
  })

  test('a wrong one changes nothing and is recorded as a failed sign-in', async () => {
    const user = await house.makeUser()
    const token = await tokenFor(user, 'me')
    const { status, body, text } = await change(token, 'not the password')
    expect([status, body['field']]).toEqual([400, 'current_password'])
    expect(text).not.toMatch(/not the password"|november/)
    expect(await house.read(ref('user', user.userId))).toEqual(user)
    expect(await house.events()).toContainEqual(
      expect.objectContaining({ type: 'signin.failed', userId: user.userId, reason: 'password_wrong' }),
    )
  })

  test('H04: of 40 wrong ones at once no more are evaluated than sign-in allows, and then the right one waits too', async () => {
    const user = await house.makeUser()
    const token = await tokenFor(user, 'me')
    const answers = await Promise.all(Array.from({ length: 40 }, () => change(token, 'wrong wrong wrong')))
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(10)
    const waiting = answers.filter(({ status }) => status === 429)
    expect(waiting).toHaveLength(30)
    expect(Number(waiting[0]?.header('retry-after'))).toBeGreaterThan(0)
    expect(waiting[0]?.body['code']).toBe('rate_limited')
    expect((await change(token, goodPassword)).status).toBe(429)
    house.wait(121)
    expect((await change(token, goodPassword)).status).toBe(204)
  })

  test('H05: it counts with the sign-in page, not beside it', async () => {
    const user = await house.makeUser({ username: 'Ada' })
    const token = await tokenFor(user, 'me')
    for (let count = 0; count < 10; count += 1) house.context.limits.count('sign-in', ['ada', '192.0.2.7'])
    expect((await change(token, goodPassword)).status).toBe(429)
  })

  test('a weak new one is named by its own field', async () => {
    const user = await house.makeUser()
    const token = await tokenFor(user, 'me')
    const { status, body } = await change(token, goodPassword, 'guess me if you can')
    expect([status, body['field']]).toEqual([400, 'new_password'])
  })

  describe('by a sign-in of the last five minutes', () => {
    const opened = async () => {
      const user = await house.makeUser()
      return { user, sessionId: await house.makeSession(user) }
    }
    const expectAsked = async (token: string, user: User) => {
      const { status, body } = await choose(token)
      expect([status, body['field']]).toEqual([400, 'current_password'])
      expect(await house.read(ref('user', user.userId))).toEqual(user)
    }

    test('nobody asks for the current one; that session stays, and everything else ends', async () => {
      const { user, sessionId } = await opened()
      const other = await house.makeSession(user)
      const { token } = await house.makeToken({ client, user, scope: 'me', sessionId })
      expect((await choose(token)).status).toBe(204)
      const after = await house.read(ref('user', user.userId))
      expect(after?.passwordHash).toBe('hash of a quiet harbour in november')
      const epochs = await Promise.all([sessionId, other].map((id) => house.read(ref('session', id))))
      expect(epochs.map((session) => session?.epoch.split('.')[1] === String(after?.epoch))).toEqual([true, false])
      expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(401)
    })

    test('what is sent must be right all the same', async () => {
      const { user, sessionId } = await opened()
      const { token } = await house.makeToken({ client, user, scope: 'me', sessionId })
      expect((await change(token, 'not the password')).body['field']).toBe('current_password')
    })

    test('after that it is asked for', async () => {
      const { user, sessionId } = await opened()
      house.wait(301)
      const { token } = await house.makeToken({ client, user, scope: 'me', sessionId })
      await expectAsked(token, user)
    })

    test('nor does one do whose session has ended, is gone, or is somebody else’s', async () => {
      const { user, sessionId } = await opened()
      const foreign = await house.makeSession(await house.makeUser())
      done(await endSession(house.context, { actor: { kind: 'cli' }, user, address: '192.0.2.7' }, sessionId))
      for (const one of ['gone', foreign, sessionId]) {
        const { token } = await house.makeToken({ client, user, scope: 'me', sessionId: one })
        await expectAsked(token, user)
      }
    })

    test('no token that a script may hold stands in: of a password, made for it, or a macaroon', async () => {
      const { user, sessionId } = await opened()
      const minting = { actor: { kind: 'cli' }, userId: user.userId } as const
      const made = done(await mintToken(house.context, minting, { format: 'opaque', scope: ['me'] }))
      const scripts = [
        await tokenFor(user, 'me'),
        made.token,
        (await house.makeToken({ client, user, scope: 'me', sessionId, format: 'macaroon' })).token,
      ]
      for (const token of scripts) await expectAsked(token, user)
      // It is for want of a sign-in, and of nothing else.
      expect((await change(scripts[2] ?? '', goodPassword)).status).toBe(204)
    })
  })

  test('a person whose account has none gives it one, by a recent sign-in alone', async () => {
    const user = done(await createUser(house.context, { kind: 'cli' }, { username: 'linked' }))
    for (const signedInAgo of [301, 'untold'] as const) {
      const { token } = await house.makeToken({ client, user, scope: 'me', signedInAgo })
      const old = await choose(token)
      expect([old.status, old.body['code']]).toEqual([401, 'recent_sign_in_needed'])
      expect(old.header('www-authenticate')).toContain('max_age="300"')
      expect((await change(token, goodPassword)).status).toBe(401)
    }
    expect((await house.read(ref('user', user.userId)))?.passwordHash).toBeUndefined()
    expect((await choose(await tokenFor(user, 'me'))).status).toBe(204)
    expect((await house.read(ref('user', user.userId)))?.passwordHash).toBe('hash of a quiet harbour in november')
  })

  test('L4: nor does it once its browser is signed out while that is hashed', async () => {
    const user = done(await createUser(house.context, { kind: 'cli' }, { username: 'signed-out' }))
    const sessionId = await house.makeSession(user)
    const { token } = await house.makeToken({ client, user, scope: 'me', sessionId })
    const { passwords } = house.context
    const end = () => endSession(house.context, { actor: { kind: 'cli' }, user, address: '192.0.2.7' }, sessionId)
    const hash = (text: string) => end().then(() => passwords.hash(text))
    Object.assign(house.context, { passwords: { ...passwords, hash } })
    const answer = await choose(token)
    expect([answer.status, answer.body['code']]).toEqual([403, 'forbidden'])
    expect(await house.read(ref('user', user.userId))).toEqual(user)
  })

  test('no macaroon of a fresh sign-in is one: anybody may have been handed it, and it would outlive it as a password or a passkey', async () => {
    const user = done(await createUser(house.context, { kind: 'cli' }, { username: 'handed-on' }))
    const sessionId = await house.makeSession(user)
    const { token } = await house.makeToken({ client, user, scope: 'me', sessionId, format: 'macaroon' })
    for (const answer of [
      await choose(token),
      await change(token, goodPassword),
      await house.ask('POST', '/api/v1/me/passkey-challenge', { token }),
      await house.ask('PATCH', '/api/v1/me', { token, body: { email: 'eve@example.org' } }),
      await house.ask('DELETE', '/api/v1/me', { token }),
    ])
      expect([answer.status, answer.body['code']]).toEqual([401, 'recent_sign_in_needed'])
    expect(await house.read(ref('user', user.userId))).toEqual(user)
    // For want of a sign-in, and of nothing else.
    expect((await house.ask('GET', '/api/v1/me', { token })).status).toBe(200)
    const { token: own } = await house.makeToken({ client, user, scope: 'me', sessionId })
    expect((await choose(own)).status).toBe(204)
  })

  test('a bot has none, and gets none', async () => {
    const owner = await house.makeUser()
    const bot = await house.makeUser({ bot: true, wrangler: owner.userId })
    const token = await tokenFor(bot, 'me')
    for (const answer of [await change(token, 'anything at all'), await choose(token)])
      expect([answer.status, answer.body['code']]).toEqual([403, 'forbidden'])
  })
})
