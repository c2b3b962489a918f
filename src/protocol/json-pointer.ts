/** RFC 6901 §3: a pointer to something inside; the whole has none here. */
export const jsonPointer = /^(?:\/(?:[^/~]|~[01])*)+$/

/** RFC 6901 §4: what stands there, or undefined. Only a value's own members count, and no index is written in two ways. */
export function pointTo(whole: unknown, pointer: string): unknown {
  let value = whole
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    if (Array.isArray(value) && !/^(?:0|[1-9]\d{0,9})$/.test(name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}
