import { beforeEach, describe, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/create-user.ts'
import type { NewUser } from '../../src/accounts/new-user.ts'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { findUser, findUserNamed } from '../../src/accounts/find-user.ts'
import { listUsers } from '../../src/accounts/list-users.ts'
import { revokeEverything, revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { patchUser, type UserPatch } from '../../src/accounts/patch-user.ts'
import { create, ref } from '../../src/domain/record.ts'
import type { Actor } from '../../src/domain/authority.ts'
import type { User } from '../../src/domain/user.ts'
import { commitNew } from '../../src/store/transition.ts'
import { asUser, cli, done, makeUser, openHouse, refusal, type House } from './house.ts'

let house: House
beforeEach(async () => {
  house = await openHouse()
})

const update = (user: User, patch: UserPatch, actor: Actor = cli) =>
  patchUser(house, { actor, userId: user.userId, patch })
const kept = async (user: User): Promise<User | undefined> => findUser(house, user.userId)

describe('creating an account', () => {
  test('a bot has no password, brought along or chosen', async () => {
    const { userId: wrangler } = await makeUser(house, { username: 'ada' })
    const passwordHash = '$pbkdf2-sha256$i=150000$c2FsdHNhbHRzYWx0$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI'
    const brought = { userId: 'usr_brought', epoch: 1, locked: false, passwordHash }
    for (const more of [{ password: 'a fine long password' }, { brought }]) {
      const made = await createUser(house, cli, { username: 'robot', bot: true, wrangler, ...more })
      expect(refusal(made)).toContain('a bot has no password')
    }
    expect(await findUserNamed(house, 'robot')).toBeUndefined()
  })

  test('it has what was asked for, an opaque id, and nothing more', async () => {
    const user = await makeUser(house, {
      username: ' Ada ',
      password: 'a fine long password',
      fullName: 'Ada Lovelace',
      email: 'ada@example.org',
    })
    expect(user).toEqual({
      v: 1,
      userId: expect.stringMatching(/^usr_[\w-]{22}$/) as string,
      username: 'Ada',
      fullName: 'Ada Lovelace',
      email: 'ada@example.org',
      emailVerified: false,
      role: 'editor',
      bot: false,
      scopes: [],
      epoch: 1,
      locked: false,
      passwordHash: 'hash of a fine long password',
      passwordChangedAt: house.clock.seconds(),
      createdAt: house.clock.seconds(),
      updatedAt: house.clock.seconds(),
    })
    expect(await kept(user)).toEqual(user)
    expect(await house.events()).toContainEqual({
      v: 1,
      type: 'user.created',
      at: house.clock.seconds(),
      userId: user.userId,
      actor: 'cli',
    })
  })

  test.each(['ada', 'ADA', 'ａｄａ', ' Ada'])(
    'H09: a name that is the same when normalised is taken: %s',
    async (username) => {
      await makeUser(house, { username: 'Ada' })
      expect(refusal(await createUser(house, cli, { username }))).toBe(
        'conflict: the user name, or one that is the same when normalised, is taken',
      )
      expect((await listUsers(house, { limit: 100 })).users).toHaveLength(1)
    },
  )

  test('of twenty at once one gets the name', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => createUser(house, cli, { username: 'ada' })))
    expect(outcomes.filter((outcome) => 'done' in outcome)).toHaveLength(1)
    expect((await listUsers(house, { limit: 100 })).users).toHaveLength(1)
  })

  test.each([
    [{ username: 'a b' }, 'invalid_field: a user name holds letters, digits, dots, hyphens and underscores'],
    [{ username: 'usr_x' }, 'invalid_field: a user name does not begin with usr_'],
    [{ username: 'ada', password: 'short' }, 'invalid_field: the password has 5 characters, at least 10 are needed'],
    [
      { username: 'ada', password: 'guess me if you can' },
      'invalid_field: the password is too easy to guess; choose a few words that do not belong together',
    ],
    [{ username: 'ada', password: 'x'.repeat(1025) }, 'invalid_field: the password is longer than 1024 bytes'],
    [{ username: 'ada', password: 'ü'.repeat(513) }, 'invalid_field: the password is longer than 1024 bytes'],
    [
      { username: 'ada', password: `a lone surrogate \ud800` },
      'invalid_field: the password is not well-formed Unicode',
    ],
    [{ username: 'ada', email: 'nobody' }, 'invalid_field: an address looks like name@example.org'],
    [
      { username: 'ada', email: 'a@b.example\nBcc: c@d.example' },
      'invalid_field: an address looks like name@example.org',
    ],
    [{ username: 'ada', fullName: 'two\nlines' }, 'invalid_field: a full name has 1 to 200 characters on one line'],
    [{ username: 'ada', scopes: ['a b'] }, 'invalid_field: at most 64 scopes, each a word of visible ASCII characters'],
    ...['admin', 'admin:read', 'vault', 'vault:'].map((scope): [NewUser, string] => [
      { username: 'ada', scopes: ['pay', scope] },
      `invalid_field: ${scope} means nothing as a scope of an account: who administers has the role admin, and the vault is everybody's`,
    ]),
    [{ username: 'ada', bot: true }, 'invalid_field: a bot needs a wrangler: the person who answers for it'],
    [{ username: 'ada', wrangler: 'usr_x' }, 'invalid_field: only a bot has a wrangler'],
  ])('refused with its reason: %j', async (wanted, expected) => {
    expect(refusal(await createUser(house, cli, wanted))).toBe(expected)
    expect((await listUsers(house, { limit: 100 })).users).toEqual([])
  })

  test('a bot has a person who answers for it, no lower in role, and no password', async () => {
    const ada = await makeUser(house, { username: 'ada' })
    const bot = await makeUser(house, { username: 'importer', bot: true, wrangler: ada.userId })
    expect(bot).toMatchObject({ bot: true, wrangler: ada.userId })
    expect(refusal(await createUser(house, cli, { username: 'b', bot: true, wrangler: bot.userId }))).toMatch(
      /^invalid_field: the wrangler must be a person/,
    )
    expect(refusal(await createUser(house, cli, { username: 'b', bot: true, wrangler: 'usr_nobody' }))).toMatch(
      /^invalid_field: the wrangler must be a person/,
    )
    expect(
      refusal(await createUser(house, cli, { username: 'b', bot: true, wrangler: ada.userId, role: 'admin' })),
    ).toMatch(/lower role than the bot/)
    expect(
      refusal(
        await createUser(house, cli, {
          username: 'b',
          bot: true,
          wrangler: ada.userId,
          password: 'a fine long password',
        }),
      ),
    ).toMatch(/a bot has no password/)
    expect(refusal(await update(bot, { password: 'a fine long password' }))).toMatch(/a bot has no password/)
  })

  test('nobody gives a role or scope that he lacks', async () => {
    const admin = await makeUser(house, { username: 'admin2', role: 'admin' })
    expect(refusal(await createUser(house, asUser(admin, 'admin'), { username: 'x', role: 'superuser' }))).toBe(
      'forbidden: the role is higher than yours',
    )
    expect(
      refusal(await createUser(house, asUser(admin, 'admin'), { username: 'x', scopes: ['accounts:provision'] })),
    ).toBe('forbidden: you cannot give a scope that you do not hold')
    expect(refusal(await createUser(house, asUser(admin, 'admin:read'), { username: 'x' }))).toBe(
      'insufficient_scope: the access token lacks the scope for this',
    )
    const made = done(await createUser(house, asUser(admin, 'admin'), { username: 'x', role: 'admin' }))
    expect(await house.events()).toContainEqual(
      expect.objectContaining({ type: 'user.created', userId: made.userId, actor: admin.userId }),
    )
  })
})

describe('changes that end what was issued move the epoch; others leave it', () => {
  const cases: readonly [
    string,
    boolean,
    (user: User) => Promise<{ done: User } | { refused: { detail?: string } }>,
  ][] = [
    ['a new password', true, (user) => update(user, { password: 'another fine password' })],
    ['another role', true, (user) => update(user, { role: 'admin' })],
    ['a scope taken away', true, (user) => update(user, { scopes: [] })],
    ['a scope more', true, (user) => update(user, { scopes: ['b', 'a'] })],
    ['locking', true, (user) => update(user, { locked: true })],
    ['revoking', true, (user) => revokeTokens(house, { actor: cli, userId: user.userId })],
    ['another full name', false, (user) => update(user, { fullName: 'Ada L.' })],
    ['another user name', false, (user) => update(user, { username: 'lovelace' })],
  ]
  test.each(cases)('%s (%s)', async (_name, bumps, change) => {
    const user = await makeUser(house, { username: 'ada', scopes: ['a'] })
    await house.announced()
    house.wait(5)
    const after = done(await change(user))
    expect(after.epoch).toBe(bumps ? house.clock.millis() : user.epoch)
    expect(after.updatedAt).toBe(house.clock.seconds())
    expect(await kept(user)).toEqual(after)
    expect(await house.announced()).toContainEqual({ kind: 'user', id: user.userId })
  })

  test('the epoch never stands still, even twice in one millisecond or with a clock that stepped back', async () => {
    const user = await makeUser(house, { username: 'ada' })
    const first = done(await revokeTokens(house, { actor: cli, userId: user.userId })).epoch
    const second = done(await revokeTokens(house, { actor: cli, userId: user.userId })).epoch
    house.wait(-3600)
    const third = done(await revokeTokens(house, { actor: cli, userId: user.userId })).epoch
    expect([second, third]).toEqual([first + 1, first + 2])
  })

  test('what changes nothing writes nothing', async () => {
    const user = await makeUser(house, { username: 'ada', fullName: 'Ada' })
    await house.announced()
    const events = (await house.events()).length
    await update(user, { role: 'editor' })
    await update(user, { locked: false })
    await update(user, { scopes: [] })
    await update(user, { fullName: 'Ada' })
    await update(user, { username: 'ada' })
    expect(await house.announced()).toEqual([])
    expect(await house.events()).toHaveLength(events)
  })

  test('another address counts as unverified; null takes it away', async () => {
    const user = await makeUser(house, { username: 'ada', email: 'ada@example.org', fullName: 'Ada' })
    const changed = done(await update(user, { email: 'a@example.org' }))
    expect(changed).toMatchObject({ email: 'a@example.org', emailVerified: false, fullName: 'Ada' })
    const bare = done(await update(user, { email: null, fullName: null }))
    expect('email' in bare || 'fullName' in bare).toBe(false)
  })

  test('ending everything moves the epoch of the instance, and tells every node', async () => {
    house.wait(5)
    const { epoch } = done(await revokeEverything(house, cli))
    expect(epoch).toBe(house.clock.millis())
    expect(await house.announced()).toEqual([{ kind: 'instance', id: 'self' }])
  })
})

describe('renaming', () => {
  test('the old name is free at once, the new one taken, the account the same', async () => {
    const ada = await makeUser(house, { username: 'ada' })
    done(await update(ada, { username: 'Lovelace' }))
    expect(await findUserNamed(house, 'ada')).toBeUndefined()
    expect((await findUserNamed(house, 'LOVELACE'))?.userId).toBe(ada.userId)
    const other = await makeUser(house, { username: 'ada' })
    expect(refusal(await update(other, { username: 'lovelace' }))).toMatch(/^conflict/)
  })

  test('another spelling of the same name is no other name', async () => {
    const ada = await makeUser(house, { username: 'ada' })
    expect(done(await update(ada, { username: 'Ada' })).username).toBe('Ada')
    expect((await findUserNamed(house, 'ada'))?.userId).toBe(ada.userId)
  })

  test('of many renames at once to one name one wins, and no name is lost', async () => {
    const users = await Promise.all(Array.from({ length: 8 }, (_, index) => makeUser(house, { username: `u${index}` })))
    const outcomes = await Promise.all(
      users.map(({ userId }) => patchUser(house, { actor: cli, userId, patch: { username: 'wanted' } })),
    )
    expect(outcomes.filter((outcome) => 'done' in outcome)).toHaveLength(1)
    for (const user of (await listUsers(house, { limit: 100 })).users) {
      expect((await findUserNamed(house, user.username))?.userId).toBe(user.userId)
    }
  })

  test('a rename that crosses another of the same account leaves exactly one name', async () => {
    const ada = await makeUser(house, { username: 'ada' })
    await Promise.all(['b1', 'b2', 'b3', 'b4'].map((username) => update(ada, { username })))
    const held = await Promise.all(['ada', 'b1', 'b2', 'b3', 'b4'].map((name) => findUserNamed(house, name)))
    expect(held.filter((user) => user !== undefined)).toHaveLength(1)
  })
})

describe('deleting', () => {
  test('the account and its name are gone, the name is free, the id is never used again', async () => {
    const ada = await makeUser(house, { username: 'ada' })
    done(await deleteUser(house, { actor: cli, userId: ada.userId }))
    expect(await kept(ada)).toBeUndefined()
    expect(await findUserNamed(house, 'ada')).toBeUndefined()
    expect(await house.announced()).toContainEqual({ kind: 'user', id: ada.userId })
    expect((await makeUser(house, { username: 'ada' })).userId).not.toBe(ada.userId)
    expect(refusal(await deleteUser(house, { actor: cli, userId: ada.userId }))).toBe(
      'not_found: there is no such account',
    )
  })

  test('what tells of the person goes too', async () => {
    const ada = await makeUser(house, { username: 'ada' })
    const consent = {
      v: 1,
      userId: ada.userId,
      clientId: 'web',
      scope: [],
      resources: [],
      claims: [],
      epoch: 1,
      givenAt: 0,
    } as const
    await commitNew(house.transition, [
      create(ref('consent', `${ada.userId}:web`), consent, { expiresAt: null, owners: [ada.userId] }),
    ])
    done(await deleteUser(house, { actor: cli, userId: ada.userId }))
    expect((await house.store.list('consent', ada.userId, { limit: 10 })).records).toEqual([])
  })

  test('not somebody of a higher role, not oneself through administration, but oneself through me', async () => {
    const admin = await makeUser(house, { username: 'admin2', role: 'admin' })
    const boss = await makeUser(house, { username: 'boss', role: 'superuser' })
    expect(refusal(await deleteUser(house, { actor: asUser(admin, 'admin'), userId: boss.userId }))).toBe(
      'forbidden: the account has a higher role than yours',
    )
    expect(refusal(await deleteUser(house, { actor: asUser(admin, 'admin'), userId: admin.userId }))).toBe(
      'forbidden: somebody else must do this to your own account',
    )
    expect(refusal(await update(boss, { password: 'a fine long password' }, asUser(admin, 'admin')))).toMatch(
      /^forbidden/,
    )
    done(await deleteUser(house, { actor: asUser(admin, 'me'), userId: admin.userId, own: true }))
    expect(refusal(await deleteUser(house, { actor: asUser(admin, 'me'), userId: boss.userId, own: true }))).toBe(
      'forbidden: this is about another account',
    )
  })
})

test('pages hold every account once, whatever their size', async () => {
  const made = await Promise.all(Array.from({ length: 40 }, (_, index) => makeUser(house, { username: `u${index}` })))
  for (const limit of [1, 7, 40, 100]) {
    const seen: string[] = []
    for (let after: string | undefined; ;) {
      const page = await listUsers(house, { ...(after !== undefined && { after }), limit })
      expect(page.users.length).toBeLessThanOrEqual(limit)
      seen.push(...page.users.map((user) => user.userId))
      if (page.next === null) break
      after = page.next
    }
    expect(seen.toSorted()).toEqual(made.map((user) => user.userId).toSorted())
  }
})

test('L4: whoever was put out while his new password was judged changes nothing', async () => {
  const user = await makeUser(house, { username: 'ada', password: 'known to a thief too' })
  let asked = 0
  const strength = async (): Promise<undefined> => {
    asked += 1
    if (asked === 1) done(await update(user, { password: 'known to ada alone' }))
  }
  const wished = { actor: asUser(user, 'me'), userId: user.userId, patch: { password: 'a thief has it' }, own: true }
  expect(refusal(await patchUser({ ...house, strength }, wished))).toMatch(/^forbidden/)
  expect((await kept(user))?.passwordHash).toBe('hash of known to ada alone')
})
