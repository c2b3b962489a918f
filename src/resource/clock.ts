import type { EpochSeconds } from '../protocol/time.ts'

/** The time, for programs that have no server of ours to inject it; tests bring their own. */
export const systemClock = (): EpochSeconds => Math.floor(Date.now() / 1000)
