import { keyLifetimes } from '../domain/key-lifecycle.ts'
import { ref } from '../domain/record.ts'
import { openKeys, type Keys } from '../keys/keys.ts'
import { readAlive } from '../store/read-alive.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'

/** The key rings of a store that was served before. */
export async function openRings(local: Local): Promise<Keys> {
  const { clock, random, transition, store } = local
  const instance = await readAlive(transition.store, ref('instance', 'self'), clock.seconds())
  if (instance === undefined) throw new CliFailure('this store has no keys yet; start the server on it once')
  const protection = await local.protection()
  return openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => undefined })
}
