import type { Dice } from './dice.ts'
import { claimsOf, endFamily, unsettle, type AccessToken, type Code, type Family, type Person } from './books.ts'
import { asApp, clients, jsonOf, outcomeOf, signAssertion, type Outcome, type World } from './world.ts'
import { verifier } from './sign-in.ts'

// What is done with tokens, and what each answer must have been by what is in the books.

type Tokens = { readonly access_token: string; readonly refresh_token?: string }

/** RFC 6749 §4.1.2 gives a minute; what comes close to its end proves nothing. */
const codeMillis = 50_000
const kept = 3

/** Redeem a code, for the first time or not. */
export async function redeem(world: World, person: Person, code: Code): Promise<void> {
  code.touched = true
  settleRedemption(world, person, code, await askToRedeem(world, code))
}

/** Two at once: one of them wins, and the other one's replay ends the grant (RFC 6749 §4.1.2). */
export async function redeemTwice(world: World, person: Person, code: Code): Promise<void> {
  code.touched = true
  const both = await Promise.all([askToRedeem(world, code), askToRedeem(world, code)])
  for (const outcome of inOrder(both)) settleRedemption(world, person, code, outcome)
}

/** What is certain first: a refusal after a lost answer means something else than before it. */
function inOrder(outcomes: readonly Outcome<Tokens>[]): readonly Outcome<Tokens>[] {
  const order = ['done', 'unknown', 'nothing', 'refused']
  return outcomes.toSorted((a, b) => order.indexOf(a.is) - order.indexOf(b.is))
}

async function askToRedeem(world: World, code: Code): Promise<Outcome<Tokens>> {
  const form = { grant_type: 'authorization_code', code: code.text, code_verifier: verifier }
  return tokensOf(world, await asApp(world, 'redeem', '/oauth/token', form))
}

function settleRedemption(world: World, person: Person, code: Code, outcome: Outcome<Tokens>): void {
  const { journal, books } = world
  switch (outcome.is) {
    case 'done': {
      if (code.redeemed === 'yes') journal.violate('INV1', `a redeemed code of ${person.username} gave tokens again`)
      const family = familyOf(outcome.value)
      code.redeemed = 'yes'
      code.grantId = family.grantId
      person.families.push(family)
      break
    }
    case 'refused':
      if (code.redeemed === 'no' && Date.now() - code.issuedAt < codeMillis && !mayBeWithdrawn(person, code.issuedAt))
        journal.violate('INV1', `a code of ${person.username} that nobody redeemed is refused: ${outcome.error}`)
      replayed(world, person, code, endFamily)
      code.redeemed = 'yes'
      break
    case 'unknown':
      books.lostTokens += 1
      replayed(world, person, code, unsettle)
      if (code.redeemed === 'no') code.redeemed = 'maybe'
      break
    case 'nothing':
  }
}

/** A code shown again ends its grant; if the first answer was lost, one that we never heard of. */
function replayed(world: World, person: Person, code: Code, ending: (family: Family) => void): void {
  const family = person.families.find(({ grantId }) => grantId === code.grantId)
  if (code.grantId === undefined) world.books.blindReplays += 1
  else world.books.replayed.add(code.grantId)
  if (family !== undefined) ending(family)
}

function familyOf(tokens: Tokens): Family {
  const access = accessOf(tokens.access_token)
  return {
    grantId: claimsOf(tokens.access_token).gid,
    refresh: [tokens.refresh_token ?? ''],
    unanswered: false,
    dead: 'no',
    access: [access],
    touched: true,
  }
}

/** Rotate the newest refresh token of a family. It must work for as long as the family lives (INV2), and never after (INV3). */
export async function rotate(world: World, person: Person, family: Family): Promise<void> {
  family.touched = true
  family.askedAt ??= Date.now()
  settleRotation(world, person, family, await present(world, family.refresh.at(-1) ?? ''))
}

/** Two at once: the second gets what the first got, never a fork (C02). */
export async function rotateTwice(world: World, person: Person, family: Family): Promise<void> {
  family.touched = true
  const newest = family.refresh.at(-1) ?? ''
  family.askedAt ??= Date.now()
  const both = await Promise.all([present(world, newest), present(world, newest)])
  const successors = new Set(both.flatMap((outcome) => (outcome.is === 'done' ? [outcome.value.refresh_token] : [])))
  if (successors.size > 1) world.journal.violate('INV2', `a family of ${person.username} forked`)
  for (const outcome of inOrder(both)) settleRotation(world, person, family, outcome)
  if (successors.size > 0) family.unanswered = false
}

/** The predecessor again, as a client does whose answer was lost: the same successor. Only in the grace. */
export async function repeat(world: World, person: Person, family: Family): Promise<void> {
  const [previous, newest] = family.refresh.slice(-2)
  if (previous === undefined || newest === undefined) return
  const outcome = await present(world, previous)
  if (outcome.is === 'done' && outcome.value.refresh_token !== newest)
    world.journal.violate('INV2', `a predecessor of ${person.username} got another successor than before`)
  settleRotation(world, person, family, outcome)
}

/** A token whose successor was used: refused, and the family dies (C01, C04). */
export async function replay(world: World, person: Person, family: Family): Promise<void> {
  const old = family.refresh.at(-3)
  if (old === undefined) return
  family.touched = true
  world.books.replayed.add(family.grantId)
  const outcome = await present(world, old)
  if (outcome.is === 'done') {
    world.journal.violate('INV2', `a refresh token of ${person.username} works after its successor was used`)
    note(world, outcome.value)
  } else if (outcome.is === 'refused') endFamily(family)
  else if (outcome.is === 'unknown') unsettle(family)
}

async function present(world: World, refreshToken: string): Promise<Outcome<Tokens>> {
  const outcome = tokensOf(
    world,
    await asApp(world, 'refresh', '/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken }),
  )
  if (outcome.is === 'unknown') world.books.lostTokens += 1
  return outcome
}

function settleRotation(world: World, person: Person, family: Family, outcome: Outcome<Tokens>): void {
  const { journal } = world
  switch (outcome.is) {
    case 'done': {
      if (family.dead === 'yes') journal.violate('INV3', `a dead family of ${person.username} gave tokens`)
      family.dead = 'no'
      family.unanswered = false
      family.askedAt = undefined
      const { refresh_token: successor = '' } = outcome.value
      const at = family.refresh.indexOf(successor)
      if (at === -1) {
        family.refresh.push(successor)
        family.rotatedAt = Date.now()
      } else if (at < family.refresh.length - 1)
        journal.violate('INV2', `a family of ${person.username} went back in time`)
      family.access = [...family.access, accessOf(outcome.value.access_token)].slice(-kept)
      break
    }
    case 'refused':
      if (family.dead === 'no' && !mayBeWithdrawn(person, idMillis(family.grantId)))
        journal.violate(
          'INV2',
          `the newest refresh token of ${person.username} is refused: ${outcome.error} (${family.grantId})`,
        )
      endFamily(family)
      break
    case 'unknown':
      family.unanswered = true
      break
    case 'nothing':
  }
}

type Withdrawn = Pick<Person, 'username' | 'withdrawnAt'>

/** A withdrawal counts in whole seconds. */
function mayBeWithdrawn({ withdrawnAt }: Withdrawn, madeAt: number): boolean {
  return withdrawnAt !== undefined && madeAt < withdrawnAt + 1_000
}

/** Ids begin with their time. */
const idMillis = (id: string): number => Number.parseInt(id.slice(0, 12), 16)

/** RFC 7009: a refresh token takes its family with it. */
export async function revokeFamily(world: World, family: Family): Promise<void> {
  family.touched = true
  const outcome = await asApp(world, 'revoke family', '/oauth/revoke', { token: family.refresh.at(-1) ?? '' })
  if (outcome.is === 'done') endFamily(family)
  else if (outcome.is === 'unknown') unsettle(family)
}

export async function revokeAccess(world: World, token: AccessToken): Promise<void> {
  const outcome = await asApp(world, 'revoke access', '/oauth/revoke', { token: token.text })
  if (outcome.is === 'done') token.dead = 'yes'
  else if (outcome.is === 'unknown' && token.dead === 'no') token.dead = 'maybe'
}

/** Whether a token is alive must be as in the books; what they don't know they learn. */
export async function introspect(world: World, token: AccessToken, whose: Withdrawn): Promise<boolean | undefined> {
  if (token.expiresAt < Date.now() + 5_000) return undefined
  const outcome = await asApp(world, 'introspect', '/oauth/introspect', { token: token.text })
  if (outcome.is !== 'done') return undefined
  const active = jsonOf(outcome.value)['active'] === true
  if (active && token.dead === 'yes')
    world.journal.violate('INV3', `a revoked access token of ${whose.username} lives (${token.jti})`)
  if (!active && token.dead === 'no' && !mayBeWithdrawn(whose, idMillis(token.grantId)))
    world.journal.violate('INV3', `an access token of ${whose.username} is dead for no reason (${token.jti})`)
  token.dead = active ? 'no' : 'yes'
  return active
}

export async function clientCredentials(world: World, person: Person): Promise<void> {
  const outcome = tokensOf(
    world,
    await asApp(world, 'client credentials', '/oauth/token', { grant_type: 'client_credentials' }),
  )
  if (outcome.is === 'unknown') world.books.lostTokens += 1
  if (outcome.is === 'done') person.own = [...person.own, accessOf(outcome.value.access_token)].slice(-kept)
}

/** A client assertion is good once, whatever happens to the server in between (INV8). */
export async function assertOnce(world: World, person: Person, dice: Dice): Promise<void> {
  const assertion = { ...signAssertion(world, dice), used: 'no' as const, touched: true }
  person.assertions = [...person.assertions, assertion].slice(-kept)
  await assertAgain(world, person, person.assertions.at(-1) ?? assertion)
}

export async function assertAgain(
  world: World,
  person: Person,
  assertion: Person['assertions'][number],
): Promise<void> {
  if (assertion.expiresAt < Date.now() + 5_000) return
  assertion.touched = true
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion.text,
  }
  const outcome = tokensOf(world, await outcomeOf(world, `assertion of ${clients.signer}`, '/oauth/token', { form }))
  if (outcome.is === 'done') {
    if (assertion.used === 'yes') world.journal.violate('INV8', `an assertion of ${person.username} was good twice`)
    assertion.used = 'yes'
  } else if (outcome.is === 'refused') {
    if (assertion.used === 'no')
      world.journal.violate('INV8', `a fresh assertion of ${person.username} is refused: ${outcome.error}`)
    assertion.used = 'yes'
  } else {
    // It is spent by the attempt, whatever comes of that: the next attempt has its own (RFC 7523 §3).
    if (assertion.used === 'no') assertion.used = 'maybe'
    if (outcome.is === 'unknown') world.books.lostTokens += 1
  }
}

/** Every access token that reaches us stands in the books before anything else happens (INV7). */
function tokensOf(world: World, outcome: Awaited<ReturnType<typeof asApp>>): Outcome<Tokens> {
  if (outcome.is !== 'done') return outcome
  const tokens = jsonOf(outcome.value) as Tokens
  note(world, tokens)
  return { is: 'done', value: tokens }
}

function note(world: World, tokens: Tokens): void {
  const { jti } = claimsOf(tokens.access_token)
  world.books.issued.add(jti)
  world.journal.note({ token: jti })
}

function accessOf(text: string): AccessToken {
  const { jti, gid, exp } = claimsOf(text)
  return { text, jti, grantId: gid, expiresAt: exp * 1000, dead: 'no' }
}
