import type { Seconds } from '../protocol/time.ts'
import type { Language } from './messages/catalogue.ts'

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

type Unit = (typeof units)[number][0]

// Making a formatter costs more than the page that it is for.
const formatters = new Map<string, Intl.NumberFormat>()

/**
 * A span in words: "30 days", "15 minutes". One unit, the largest that says it exactly or that holds at least two; rounded up,
 * because somebody who waits as long as we said must not be turned away again.
 */
export function duration(language: Language, seconds: Seconds): string {
  const span = Math.max(1, Math.ceil(seconds))
  const [unit, size] = units.find(([, length]) => span % length === 0 || span >= 2 * length) ?? units[3]
  return formatter(language, unit).format(Math.ceil(span / size))
}

function formatter(language: Language, unit: Unit): Intl.NumberFormat {
  const key = `${language} ${unit}`
  const known = formatters.get(key)
  if (known !== undefined) return known
  const made = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })
  formatters.set(key, made)
  return made
}
