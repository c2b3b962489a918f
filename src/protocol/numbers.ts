const decimal = /^(?:0|[1-9][0-9]{0,9})$/

/** A whole number from 0 to `max` in decimal ASCII without sign, fraction, exponent or leading zero; else nothing. `max` has ten digits at most. */
export function parseDecimal(text: string, max = 9_999_999_999): number | undefined {
  if (!decimal.test(text)) return undefined
  const value = Number(text)
  return value <= max ? value : undefined
}
