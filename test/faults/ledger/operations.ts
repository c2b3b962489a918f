import {
  bump,
  lock,
  make,
  makeTaken,
  remove,
  rotateSecret,
  setPassword,
  unlock,
  withdrawConsent,
} from './administration.ts'
import type { Made, Person } from './books.ts'
import type { Dice } from './dice.ts'
import { authorize } from './sign-in.ts'
import {
  assertAgain,
  assertOnce,
  clientCredentials,
  introspect,
  redeem,
  redeemTwice,
  replay,
  revokeAccess,
  revokeFamily,
  rotate,
  rotateTwice,
} from './tokens.ts'
import type { World } from './world.ts'

type Step = (world: World, person: Person, dice: Dice) => Promise<void>

export type Operation = {
  readonly name: string
  readonly weight: number
  /** The step, if there is something to take it with; nobody acts on what he doesn't know. */
  readonly with: (person: Person, dice: Dice) => Step | undefined
}

/** Everything that the load does, and how often. */
export const operations: readonly Operation[] = [
  operation('authorize', 12, ({ codes }) => (codes.length < 4 ? authorize : undefined)),
  operation('redeem', 12, (person) => withOne(unredeemed(person), redeem)),
  operation('redeem twice', 2, (person) => withOne(unredeemed(person), redeemTwice)),
  operation('replay a code', 1, ({ codes }, dice) =>
    withAny(
      codes.filter(({ redeemed }) => redeemed === 'yes'),
      dice,
      redeem,
    ),
  ),
  operation('rotate', 24, (person, dice) => withAny(living(person), dice, rotate)),
  operation('rotate twice', 3, (person, dice) => withAny(living(person), dice, rotateTwice)),
  operation('replay a refresh token', 1, (person, dice) =>
    withAny(
      living(person).filter(({ refresh }) => refresh.length >= 3),
      dice,
      replay,
    ),
  ),
  operation('revoke a family', 2, (person, dice) =>
    withAny(living(person), dice, (world, _, family) => revokeFamily(world, family)),
  ),
  operation('revoke an access token', 4, (person, dice) =>
    withAny(
      tokensOf(person).filter(({ dead }) => dead === 'no'),
      dice,
      (world, _, token) => revokeAccess(world, token),
    ),
  ),
  operation('introspect', 6, (person, dice) =>
    withAny(tokensOf(person), dice, async (world, _, token) => void (await introspect(world, token, person))),
  ),
  operation('client credentials', 10, () => clientCredentials),
  operation('assert', 6, () => assertOnce),
  operation('assert again', 1, ({ assertions }, dice) => withAny(assertions, dice, assertAgain)),
  operation('make a user', 3, () => (world, person) => make(world, person, 'users')),
  operation('make a client', 3, () => (world, person) => make(world, person, 'clients')),
  operation('make an API', 1, () => (world, person) => make(world, person, 'resources')),
  operation('make a taken name', 1, (person, dice) =>
    withAny(made(person, 'users'), dice, (world, _, one) => makeTaken(world, one)),
  ),
  operation('rotate a secret', 1, (person, dice) =>
    withAny(
      made(person, 'clients').filter(({ secret }) => secret !== undefined),
      dice,
      (world, _, one) => rotateSecret(world, one),
    ),
  ),
  operation('delete', 1, (person, dice) =>
    withAny(person.made.filter(isThere), dice, (world, _, one) => remove(world, one)),
  ),
  operation('bump', 1, () => bump),
  operation('set a password', 0.4, () => setPassword),
  operation('lock', 0.4, () => lock),
  operation('withdraw consent', 1, ({ consent }) => (consent === 'yes' ? withdrawConsent : undefined)),
]

/** The next step of a person, by the dice. Somebody locked out is let in again first. */
export function nextStep(person: Person, dice: Dice): Step {
  if (person.locked) return unlock
  for (;;) {
    const step = pickByWeight(dice).with(person, dice)
    if (step !== undefined) return step
  }
}

const totalWeight = operations.reduce((sum, { weight }) => sum + weight, 0)

function pickByWeight(dice: Dice): Operation {
  let left = dice.fraction() * totalWeight
  for (const one of operations) {
    left -= one.weight
    if (left < 0) return one
  }
  throw new RangeError('weights that do not add up')
}

function operation(name: string, weight: number, stepWith: Operation['with']): Operation {
  return { name, weight, with: stepWith }
}

function withOne<T>(
  list: readonly T[],
  act: (world: World, person: Person, one: T) => Promise<void>,
): Step | undefined {
  const [first] = list
  return first === undefined ? undefined : (world, person) => act(world, person, first)
}

function withAny<T>(
  list: readonly T[],
  dice: Dice,
  act: (world: World, person: Person, one: T) => Promise<void>,
): Step | undefined {
  if (list.length === 0) return undefined
  const one = dice.pick(list)
  return (world, person) => act(world, person, one)
}

const unredeemed = ({ codes }: Person) => codes.filter(({ redeemed }) => redeemed === 'no')
const living = ({ families }: Person) => families.filter(({ dead, unanswered }) => dead === 'no' && !unanswered)
const tokensOf = ({ families, own }: Person) => [...families.flatMap(({ access }) => access), ...own]
const isThere = (one: Made): boolean => one.exists === 'yes' && one.deleted === 'no'
const made = (person: Person, kind: Made['kind']) => person.made.filter((one) => one.kind === kind && isThere(one))
