import type { EpochSeconds } from '../protocol/time.ts'
import type { Language } from './messages/catalogue.ts'

const formatters = new Map<Language, Intl.DateTimeFormat>()

/** A point in time in words, in UTC and saying so: without JavaScript a page doesn't know its reader's time zone. */
export function instant(language: Language, at: EpochSeconds): string {
  let formatter = formatters.get(language)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat(language, {
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZone: 'UTC',
      timeZoneName: 'short',
    })
    formatters.set(language, formatter)
  }
  return formatter.format(at * 1000)
}
