const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** Seconds since 1970 of an instant in UTC with whole seconds (RFC 3339 §5.6), or undefined unless it is written exactly so. */
export function parseInstant(text: string): number | undefined {
  if (!shape.test(text)) return undefined
  const millis = Date.parse(text)
  // The 30th of February is another way to write the 2nd of March.
  return Number.isFinite(millis) && printInstant(millis / 1000) === text ? millis / 1000 : undefined
}

export function printInstant(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
