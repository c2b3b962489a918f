import { join } from 'node:path'
import { keyLifetimes } from '../domain/key-lifecycle.ts'
import { ref } from '../domain/record.ts'
import { openKeys, type Keys } from '../keys/keys.ts'
import { openProtection } from '../keys/protection.ts'
import { readAlive } from '../store/read-alive.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'

/** The key rings of a store that was served before. */
export async function openRings(local: Local): Promise<Keys> {
  const { config, clock, random, transition, store } = local
  const instance = await readAlive(transition.store, ref('instance', 'self'), clock.seconds())
  if (instance === undefined) throw new CliFailure('this store has no keys yet; start the server on it once')
  const source = config.keySecret === undefined ? { keyFile: keyFileOf(local) } : { secret: config.keySecret.reveal() }
  const protection = await openProtection(source, { store, instanceId: instance.instanceId, random })
  return openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => undefined })
}

/** Where the key file lies. */
export const keyFileOf = ({ config }: Pick<Local, 'config'>): string => join(config.dataDirectory, 'gatehouse.key')
