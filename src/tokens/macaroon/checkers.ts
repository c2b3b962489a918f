import { parsePredicate } from './predicate.ts'
import { parseInstant } from './instant.ts'

/** Whether the value of a predicate is met. */
export type Check = (value: string) => boolean

/** Checks by key and operator: `{ 'time <': notAfter(now), 'method =': oneOf('GET') }`. */
export type Checkers = Readonly<Record<string, Check>>

/** One answer for `verifyMacaroon`: each predicate goes to the check of its key and operator; without one it isn't met (K03). */
export function checkWith(checkers: Checkers): (predicate: string) => boolean {
  return (text) => {
    const predicate = parsePredicate(text)
    if (predicate === undefined) return false
    const name = `${predicate.key} ${predicate.operator}`
    return Object.hasOwn(checkers, name) && checkers[name]?.(predicate.value) === true
  }
}

/** The value is this text, byte for byte. */
export function exactly(text: string): Check {
  return (value) => value === text
}

/** The value is a list, separated by single spaces, that holds this word. */
export function oneOf(word: string): Check {
  return (value) => value.split(' ').includes(word)
}

/** For `time <`: the value is an instant (`2030-01-31T23:59:59Z`) that hasn't come. `now` in seconds since 1970. */
export function notAfter(now: number): Check {
  return (value) => {
    const instant = parseInstant(value)
    return instant !== undefined && now < instant
  }
}
