import {
  bump,
  lock,
  make,
  remove,
  rotateSecret,
  setPassword,
  unlock,
  withdrawConsent,
} from './ledger/administration.ts'
import type { AccessToken, Code, Family, Made, Person } from './ledger/books.ts'
import type { Dice } from './ledger/dice.ts'
import { authorize } from './ledger/sign-in.ts'
import {
  assertOnce,
  clientCredentials,
  redeem,
  repeat,
  replay,
  revokeAccess,
  revokeFamily,
  rotate,
} from './ledger/tokens.ts'
import type { World } from './ledger/world.ts'

export type Act = {
  readonly name: string
  /** Brings about what the act needs, on a disk that works. */
  readonly before?: (world: World, person: Person, dice: Dice) => Promise<void>
  readonly act: (world: World, person: Person, dice: Dice) => Promise<void>
}

/** One of each operation that writes. */
export const script: readonly Act[] = [
  { name: 'authorize', before: authorize, act: authorize },
  { name: 'redeem', before: authorize, act: (world, person) => redeem(world, person, lastCode(person)) },
  {
    name: 'replay a code',
    before: async (world, person) => {
      await authorize(world, person)
      await redeem(world, person, lastCode(person))
    },
    act: (world, person) => redeem(world, person, lastCode(person)),
  },
  { name: 'rotate', before: withFamily, act: (world, person) => rotate(world, person, lastFamily(person)) },
  {
    name: 'repeat in the grace',
    before: (world, person) => withFamily(world, person, 1),
    act: (world, person) => repeat(world, person, lastFamily(person)),
  },
  {
    name: 'replay a refresh token',
    before: (world, person) => withFamily(world, person, 2),
    act: (world, person) => replay(world, person, lastFamily(person)),
  },
  { name: 'revoke a family', before: withFamily, act: (world, person) => revokeFamily(world, lastFamily(person)) },
  {
    name: 'revoke an access token',
    before: withFamily,
    act: (world, person) => revokeAccess(world, last<AccessToken>(lastFamily(person).access)),
  },
  { name: 'client credentials', act: clientCredentials },
  { name: 'assert', act: assertOnce },
  { name: 'make a user', act: (world, person) => make(world, person, 'users') },
  { name: 'make a client', act: (world, person) => make(world, person, 'clients') },
  { name: 'make an API', act: (world, person) => make(world, person, 'resources') },
  {
    name: 'rotate a secret',
    before: (world, person) => make(world, person, 'clients'),
    act: (world, person) => rotateSecret(world, last<Made>(person.made)),
  },
  {
    name: 'delete a client',
    before: (world, person) => make(world, person, 'clients'),
    act: (world, person) => remove(world, last<Made>(person.made)),
  },
  {
    name: 'delete a user',
    before: (world, person) => make(world, person, 'users'),
    act: (world, person) => remove(world, last<Made>(person.made)),
  },
  { name: 'withdraw consent', before: withFamily, act: withdrawConsent },
  { name: 'bump', before: withFamily, act: bump },
  { name: 'sign in and agree', before: bump, act: authorize },
  { name: 'set a password', before: withFamily, act: setPassword },
  { name: 'lock', before: withFamily, act: lock },
  { name: 'unlock', before: async (world, person) => (person.locked ? undefined : lock(world, person)), act: unlock },
]

async function withFamily(world: World, person: Person, rotations: unknown = 0): Promise<void> {
  if (person.locked) await unlock(world, person)
  await authorize(world, person)
  await redeem(world, person, lastCode(person))
  for (let done = 0; done < Number(rotations); done += 1) await rotate(world, person, lastFamily(person))
}

const lastCode = ({ codes }: Person): Code => last(codes)
const lastFamily = ({ families }: Person): Family => last(families)

function last<T>(list: readonly T[]): T {
  const found = list.at(-1)
  if (found === undefined) throw new Error('the script has nothing to go on with')
  return found
}
