import { beforeEach, describe, expect, test } from 'vitest'
import { findUserOfIdentity, identitiesOf } from '../../src/accounts/find-identity.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { relabelIdentity } from '../../src/accounts/relabel-identity.ts'
import { unlinkIdentity } from '../../src/accounts/unlink-identity.ts'
import { asUser, cli, done, makeUser, openHouse, refusal, type House } from './house.ts'

let house: House
beforeEach(async () => {
  house = await openHouse()
})

const at = (provider: string, issuer: string) => ({ provider, issuer, subject: '1', label: 'ada' })

describe('giving an identity to an account', () => {
  test('a bot gets none, whoever gives it, and nothing is written', async () => {
    const { userId: wrangler } = await makeUser(house, { username: 'ada' })
    const bot = await makeUser(house, { username: 'robot', bot: true, wrangler })
    const before = await house.events()
    const identity = at('work', 'https://work.example')
    expect(refusal(await linkIdentity(house, { actor: cli, userId: bot.userId, identity }))).toContain(
      'conflict: a bot has no identity elsewhere',
    )
    expect(await findUserOfIdentity(house, identity)).toBeUndefined()
    expect(await identitiesOf(house, bot.userId)).toEqual([])
    expect(await house.events()).toEqual(before)
  })
})

describe('what an identity is shown as', () => {
  test('is what it is called by now; the identity stays who it was, and another in its place is not touched', async () => {
    const { userId } = await makeUser(house, { username: 'ada', password: 'a fine long password' })
    const orcid = { provider: 'orcid', issuer: 'https://orcid.org', subject: '0000-0002-1825-0097' }
    done(await linkIdentity(house, { actor: cli, userId, identity: { ...orcid, label: orcid.subject } }))
    const [old] = await identitiesOf(house, userId)
    const label = 'https://orcid.org/0000-0002-1825-0097'
    await relabelIdentity(house, userId, { ...orcid, label })
    expect(await identitiesOf(house, userId)).toEqual([{ ...old, label }])
    expect((await findUserOfIdentity(house, orcid))?.userId).toBe(userId)
    for (const other of [{ issuer: 'https://sandbox.orcid.org' }, { subject: '0000-0002-1694-233X' }])
      await relabelIdentity(house, userId, { ...orcid, ...other, label: 'somebody else' })
    await relabelIdentity(house, userId, { ...orcid, provider: 'github', label: 'nobody' })
    expect(await identitiesOf(house, userId)).toEqual([{ ...old, label }])
  })
})

describe('taking an identity from an account', () => {
  test('a subject counts only with its issuer: what was linked meanwhile under another stays, whole', async () => {
    const { userId } = await makeUser(house, { username: 'ada', password: 'a fine long password' })
    const [old, now] = [at('work', 'https://old.example'), at('work', 'https://new.example')]
    const link = async (identity: typeof old) => done(await linkIdentity(house, { actor: cli, userId, identity }))
    await link(old)
    // Between the look at what is linked and the commit the provider moves to another issuer.
    let moved = false
    const list: typeof house.store.list = async (...asked) => {
      if (!moved) {
        moved = true
        done(await unlinkIdentity(house, { actor: cli, userId, provider: 'work' }))
        await link(now)
      }
      return house.store.list(...asked)
    }
    const meanwhile = { ...house, transition: { ...house.transition, store: { ...house.store, list } } }
    const late = await unlinkIdentity(meanwhile, { actor: cli, userId, provider: 'work' })
    expect(refusal(late)).toContain('not_found')
    expect(await identitiesOf(house, userId)).toMatchObject([now])
    expect((await findUserOfIdentity(house, now))?.userId).toBe(userId)
  })

  test('one identity under two names is one way in, and the last is not taken', async () => {
    const user = await makeUser(house, { username: 'ada' })
    const { userId } = user
    for (const provider of ['one', 'two']) {
      const identity = at(provider, 'https://same.example')
      done(await linkIdentity(house, { actor: cli, userId, identity }))
    }
    const own = { actor: asUser(user, 'me'), userId, own: true }
    expect(refusal(await unlinkIdentity(house, { ...own, provider: 'one' }))).toContain('nobody could sign in')
    done(await linkIdentity(house, { actor: cli, userId, identity: at('three', 'https://other.example') }))
    expect(await unlinkIdentity(house, { ...own, provider: 'one' })).toHaveProperty('done')
  })
})
