import { keyLifetimes } from '../domain/key-lifecycle.ts'
import { ref } from '../domain/record.ts'
import { openKeys, type Keys } from '../keys/keys.ts'
import { readAlive } from '../store/read-alive.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'

/** The key rings of a store that was served before, or made by `init`. */
export async function openRings(local: Local): Promise<Keys> {
  const { clock, transition } = local
  const instance = await readAlive(transition.store, ref('instance', 'self'), clock.seconds())
  if (instance === undefined) throw new CliFailure('this store has no keys yet; start the server on it once')
  return makeRings(local)
}

/** The key rings of a store, made where there are none. */
export async function makeRings({ clock, random, store, protection: protect }: Local): Promise<Keys> {
  const protection = await protect()
  return openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => undefined })
}
