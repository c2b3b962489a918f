import type { Environment } from '../config/read-environment.ts'

/** Kept from the environment of whatever this process starts or dumps, once they are read. */
const secrets = ['GATEHOUSE_SECRET', 'GATEHOUSE_ADMIN_PASSWORD'] as const

/**
 * A copy of the environment variables, the only one that is ever made; our own secrets are gone from the environment afterwards.
 * Take it once and keep it: a second copy lacks them.
 */
export function takeEnvironment(): Environment {
  const taken: Environment = Object.freeze({ ...process.env })
  for (const name of secrets) delete process.env[name]
  return taken
}
