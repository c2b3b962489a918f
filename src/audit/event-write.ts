import type { Random } from '../crypto/random.ts'
import type { AuditEvent } from '../domain/event.ts'
import { append, type Write } from '../domain/record.ts'
import type { Clock } from '../protocol/time.ts'

/** What happened; its id, time and version are added here. */
export type Happening = Omit<AuditEvent, 'v' | 'at'>

export type EventContext = { readonly clock: Pick<Clock, 'millis' | 'seconds'>; readonly random: Pick<Random, 'id'> }

const longestText = 256
const longestScope = 1024
const mostAudiences = 16

/** An event as a write, to go into the commit of what it records. What came from outside is cut to a bounded length. */
export function eventWrite({ clock, random }: EventContext, happening: Happening): Write {
  const event: Record<string, unknown> = { v: 1, at: clock.seconds() }
  for (const [field, value] of Object.entries(happening)) {
    if (typeof value === 'string') event[field] = cut(value, field === 'scope' ? longestScope : longestText)
    else if (typeof value === 'number') event[field] = value
    else if (Array.isArray(value))
      event[field] = value.slice(0, mostAudiences).map((text: string) => cut(text, longestText))
  }
  return append(random.id(clock.millis()), event as AuditEvent)
}

/** The cut never leaves half a character behind, which not every database takes. */
function cut(text: string, longest: number): string {
  return (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`).toWellFormed()
}
