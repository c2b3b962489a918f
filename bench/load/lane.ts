import type { Fixture } from '../fixture.ts'
import type { Connection, Reply } from './connection.ts'
import type { Meter } from './meter.ts'
import type { Site } from './site.ts'

/** One connection and what its flow needs. */
export type Lane = {
  readonly number: number
  readonly site: Site
  readonly fixture: Fixture
  /** Sends, counts, and refuses any status but the expected ones. */
  readonly send: (bytes: string, ...expected: number[]) => Promise<Reply>
  /** True now and then: look closely at this answer's body. */
  readonly sampling: () => boolean
}

/** Sets a lane up (not measured) and returns the flow it will repeat. */
export type Flow = (lane: Lane) => Promise<() => Promise<void>>

// Odd, so that flows of several requests meet it at each of them in turn.
const SAMPLE_EVERY = 257

export const openLane = (number: number, connection: Connection, meter: Meter, site: Site, fixture: Fixture): Lane => {
  let sent = 0
  return {
    number,
    site,
    fixture,
    sampling: () => sent % SAMPLE_EVERY === 1,
    send: async (bytes, ...expected) => {
      sent++
      const reply = await connection.request(bytes)
      meter.countRequest()
      if (!expected.includes(reply.status)) {
        const sentLine = bytes.slice(0, bytes.indexOf('\r\n'))
        throw new Error(
          `${sentLine}: expected ${expected.join(' or ')}, got\n${reply.head}\n\n${reply.body.slice(0, 600)}`,
        )
      }
      return reply
    },
  }
}
