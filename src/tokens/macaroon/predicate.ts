/** `key operator value`, one space on either side. */
export type Predicate = {
  readonly key: string
  readonly operator: '=' | '<' | '>'
  readonly value: string
}

const shape = /^([a-z][a-z0-9_]{0,31}) ([=<>]) (\S|\S[^\p{Cc}\u2028\u2029]*\S)$/u

/** The parts of a predicate, or undefined unless it is exactly in this form: no other spelling means the same (K04). */
export function parsePredicate(text: string): Predicate | undefined {
  const [, key, operator, value] = shape.exec(text) ?? []
  if (key === undefined || value === undefined) return undefined
  return operator === '=' || operator === '<' || operator === '>' ? { key, operator, value } : undefined
}

export function printPredicate({ key, operator, value }: Predicate): string {
  return `${key} ${operator} ${value}`
}
