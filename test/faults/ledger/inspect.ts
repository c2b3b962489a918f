import { inspectAccount, inspectMade } from './administration.ts'
import type { Code, Family, Person } from './books.ts'
import type { Dice } from './dice.ts'
import { authorizeSilently } from './sign-in.ts'
import { assertAgain, introspect, redeem, repeat, replay, rotate } from './tokens.ts'
import { acting, refreshAdminToken, type World } from './world.ts'

const remembered = 6
/** The grace for a lost answer counts from readiness, and that is never earlier than the spawn. */
const graceMillis = 8_000

/**
 * After a fault: ask the server about everything that was touched before it, each question such that a wrong state answers
 * wrongly. Afterwards the books know all again. Some of the old is asked about too, and some answers are asked for that end things.
 */
export async function inspect(world: World, dice: Dice): Promise<void> {
  await refreshAdminToken(world)
  await Promise.all(world.books.persons.map((person) => acting.run(person, () => inspectPerson(world, person, dice))))
}

async function inspectPerson(world: World, person: Person, dice: Dice): Promise<void> {
  // First, because it says what became of everything else.
  await inspectAccount(world, person)
  await authorizeSilently(world, person)
  for (const family of person.families) {
    if (family.touched || dice.chance(0.05)) await inspectFamily(world, person, family, dice)
  }
  for (const code of person.codes) if (code.touched) await inspectCode(world, person, code, dice)
  for (const token of person.own) await introspect(world, token, person)
  for (const one of person.made) if (one.touched || dice.chance(0.05)) await inspectMade(world, one)
  for (const assertion of person.assertions) if (assertion.touched) await inspectAssertion(world, person, assertion)
  forget(person)
}

async function inspectFamily(world: World, person: Person, family: Family, dice: Dice): Promise<void> {
  await askAboutFamily(world, person, family, dice)
  family.touched = family.unanswered || family.dead === 'maybe'
}

async function askAboutFamily(world: World, person: Person, family: Family, dice: Dice): Promise<void> {
  const inGrace = Date.now() < world.spawnedAt + graceMillis
  const askedInTime = world.livesOn !== true || Date.now() < (family.askedAt ?? 0) + graceMillis
  // Too late to tell what became of it without being taken for a thief.
  if (family.unanswered && !(inGrace && askedInTime)) {
    family.unanswered = false
    family.askedAt = undefined
    family.dead = 'maybe'
    family.refresh.splice(0)
    return
  }
  const mayRepeat = inGrace && (world.livesOn !== true || Date.now() < (family.rotatedAt ?? 0) + graceMillis)
  if (family.dead === 'no' && !family.unanswered && mayRepeat && dice.chance(0.3)) await repeat(world, person, family)
  if (family.dead === 'no' && dice.chance(0.15)) await replay(world, person, family)
  // What may have ended says so here, and its access tokens must agree.
  await rotate(world, person, family)
  for (const token of family.access) await introspect(world, token, person)
}

/** A code with an unknown outcome gives tokens at most once in total, one that was redeemed never (INV1). */
async function inspectCode(world: World, person: Person, code: Code, dice: Dice): Promise<void> {
  if (code.redeemed === 'no' && !dice.chance(0.5)) return
  // Showing a redeemed one ends its grant: not always.
  if (code.redeemed === 'yes' && code.grantId !== undefined && !dice.chance(0.25)) return
  const first = code.redeemed
  await redeem(world, person, code)
  if (first !== 'yes') await redeem(world, person, code)
  code.touched = code.redeemed === 'maybe'
}

async function inspectAssertion(world: World, person: Person, assertion: Person['assertions'][number]): Promise<void> {
  const first = assertion.used
  await assertAgain(world, person, assertion)
  if (first !== 'yes') await assertAgain(world, person, assertion)
  assertion.touched = assertion.used === 'maybe'
}

/** The books stay small: the newest of each is enough to find what went wrong in a round. */
function forget(person: Person): void {
  person.families = person.families
    .filter(({ dead, refresh }) => dead !== 'yes' && refresh.length > 0)
    .slice(-remembered)
  person.codes = person.codes.filter(({ redeemed }) => redeemed === 'no').slice(-remembered)
  person.made = person.made.slice(-2 * remembered)
}
