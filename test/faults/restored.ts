import { inspectAccount, inspectMade } from './ledger/administration.ts'
import { endCode, endFamily, type Books, type Made, type Person } from './ledger/books.ts'
import type { Dice } from './ledger/dice.ts'
import { authorize, authorizeSilently } from './ledger/sign-in.ts'
import { introspect, redeem, rotate } from './ledger/tokens.ts'
import { acting, refreshAdminToken, type World } from './ledger/world.ts'

const asked = 8
const newcomers = 3

/**
 * Ask a server that was started on a restored backup. `world.books` are those of when the backup began, `now` those of after its
 * end. It is fenced: nothing that was issued before counts. And it serves: who was left alone meanwhile signs in with the password
 * of then, and what was made before then is there, whole. Returns how many codes and tokens of
 * before were presented.
 */
export async function inspectFenced(world: World, now: Books, dice: Dice): Promise<number> {
  const { persons } = world.books
  await refreshAdminToken(world)
  let presented = 0
  const holders = persons.filter(({ families, codes, own }) => families.length + codes.length + own.length > 0)
  const some = holders.length === 0 ? [] : Array.from({ length: asked }, () => dice.pick(holders))
  for (const person of new Set(some)) presented += await acting.run(person, () => presentOld(world, person))
  // Nobody knows in which state those are whose account changed while it was copied.
  const quiet = persons.filter((person) => isUnchanged(person, now.persons[person.index]))
  for (const person of quiet.slice(0, newcomers)) await acting.run(person, () => signInAnew(world, person))
  const made = persons.flatMap((person) => {
    const later = now.persons[person.index]?.made ?? []
    return person.made.filter((one) => isThere(one) && later.some((other) => sameMade(one, other)))
  })
  for (const one of made.slice(0, asked)) await inspectMade(world, one)
  return presented
}

async function presentOld(world: World, person: Person): Promise<number> {
  person.session = 'no'
  person.consent = 'no'
  for (const code of person.codes) endCode(code)
  for (const family of person.families) endFamily(family)
  for (const token of person.own) token.dead = 'yes'
  await authorizeSilently(world, person)
  const codes = person.codes.filter(({ issuedAt }) => issuedAt < world.spawnedAt).slice(-2)
  const families = person.families.slice(-2)
  const tokens = [...families.flatMap(({ access }) => access), ...person.own]
  for (const code of codes) await redeem(world, person, code)
  for (const family of families) await rotate(world, person, family)
  for (const token of tokens) await introspect(world, token, person)
  return codes.length + families.length + tokens.length
}

async function signInAnew(world: World, person: Person): Promise<void> {
  await inspectAccount(world, person)
  person.session = 'no'
  person.consent = 'no'
  person.codes = []
  person.families = []
  await authorize(world, person)
  for (const code of person.codes) await redeem(world, person, code)
  const [family] = person.families
  if (family === undefined) {
    world.journal.violate('INV5', `${person.username} gets no tokens at the restored server`)
    return
  }
  await rotate(world, person, family)
  for (const token of family.access) await introspect(world, token, person)
}

function isUnchanged(before: Person, after: Person | undefined): boolean {
  const state = (one: Person | undefined) =>
    JSON.stringify([one?.epoch, one?.epochUnknown, one?.password, one?.passwordAsked, one?.locked])
  return !before.epochUnknown && !before.locked && before.passwordAsked === undefined && state(before) === state(after)
}

const isThere = ({ exists, deleted }: Made): boolean => exists === 'yes' && deleted === 'no'

function sameMade(one: Made, other: Made): boolean {
  const state = ({ name, document, exists, deleted, secret, secretLost, oldSecrets }: Made) =>
    JSON.stringify([name, document, exists, deleted, secret, secretLost, oldSecrets])
  return state(one) === state(other)
}
