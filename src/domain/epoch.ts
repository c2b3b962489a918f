import type { Client } from './client.ts'
import type { Instance } from './instance.ts'
import type { User } from './user.ts'

/**
 * `<global>.<user or ->.<client>`: what every token carries and every entrance compares for equality.
 * Bumping one of the three kills everything issued before.
 */
export function epochOf(instance: Instance, user: User | undefined, client: Client): string {
  return `${instance.epoch}.${user === undefined ? '-' : user.epoch}.${client.epoch}`
}

/** The part of it that a browser session depends on. */
export function sessionEpochOf(instance: Instance, user: User): string {
  return `${instance.epoch}.${user.epoch}`
}

/** The next epoch: never the old one again, and never below it even if the clock stepped back. */
export function bumpedEpoch(old: number, nowMillis: number): number {
  return Math.max(old + 1, nowMillis)
}
