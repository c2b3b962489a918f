import { beforeAll, describe, expect, test } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import type { Minting } from '../../src/accounts/permitted-mint.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { revokeEverything } from '../../src/accounts/revoke-tokens.ts'
import { ref } from '../../src/domain/record.ts'
import { revokeGrant } from '../../src/domain/revoke-grant.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import { openHouse, type House } from '../api/house.ts'

const cli = { kind: 'cli' } as const
let house: House
beforeAll(async () => {
  house = await openHouse()
})

/** Mints while something else happens between the decision and its commit. */
async function mintAcross(user: User, deed: () => Promise<unknown>, how: Partial<Minting> = {}) {
  const { transition: usual } = house.context
  let happened = false
  const store: typeof usual.store = {
    ...usual.store,
    commit: async (writes) => {
      if (!happened) {
        happened = true
        await deed()
      }
      return usual.store.commit(writes)
    },
  }
  const context = { ...house.context, transition: { ...usual, store } }
  const made = await mintToken(context, { actor: cli, userId: user.userId, ...how }, { format: 'opaque' })
  expect(happened).toBe(true)
  return made
}
const statusOf = async (token: string) => (await house.ask('GET', '/api/v1/me/session', { token })).status

describe('L4: what happens in the middle of a mint comes before it', () => {
  test('a lock: nothing is minted', async () => {
    const user = await house.makeUser()
    const lock = () => patchUser(house.context, { actor: cli, userId: user.userId, patch: { locked: true } })
    expect(await mintAcross(user, lock)).toMatchObject({ refused: { code: 'conflict' } })
  })

  test('the end of every token, of all accounts: what is minted is none of them', async () => {
    const user = await house.makeUser()
    const made = await mintAcross(user, () => revokeEverything(house.context, cli))
    expect('done' in made && (await statusOf(made.done.token))).toBe(200)
  })

  test('the end of the token that asks: it makes no other', async () => {
    const user = await house.makeUser()
    const client = await house.makeClient()
    const grantId = await house.makeGrant(user, client)
    const end = () =>
      transition(house.context.transition, { grant: ref('grant', grantId) }, ({ grant }, now) =>
        revokeGrant(grant, {
          now,
          eventId: house.context.random.id(now),
          event: { v: 1, type: 'grant.revoked', at: now },
        }),
      )
    const within = { clientId: client.clientId, grantId, scope: ['openid', 'me'], resources: [] }
    const actor = { kind: 'user', user, scopes: ['me'] } as const
    expect(await mintAcross(user, end, { actor, right: 'mint-own', within })).toMatchObject({
      refused: { code: 'forbidden' },
    })
  })
})
