const browsers: readonly (readonly [pattern: string, name: string])[] = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
]
const systems: readonly (readonly [pattern: string, name: string])[] = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['Windows', 'Windows'],
  ['Mac OS X', 'macOS'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
]

/** Few programs ask most of the time. None of those that are remembered is long, whatever somebody sends. */
const mostRemembered = 256
const longestRemembered = 512
const remembered = new Map<string, string>()

/** What a person would call the device behind a User-Agent: "Firefox on Linux", "curl". At most 60 characters. */
export function deviceNameOf(userAgent: string | undefined): string {
  if (userAgent === undefined || userAgent === '') return 'unknown device'
  const known = remembered.get(userAgent)
  if (known !== undefined) return known
  const name = nameOf(userAgent)
  if (userAgent.length <= longestRemembered) {
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(userAgent, name)
  }
  return name
}

function nameOf(userAgent: string): string {
  const browser = browsers.find(([pattern]) => userAgent.includes(pattern))?.[1]
  const system = systems.find(([pattern]) => userAgent.includes(pattern))?.[1]
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`
  return cleanDeviceName(userAgent.split(/[/ ]/, 1)[0] ?? '') ?? 'unknown device'
}

/** A name that a client sent: printable, bounded, or undefined if nothing is left of it. */
export function cleanDeviceName(name: string): string | undefined {
  const clean = name
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .trim()
    .slice(0, 60)
  return clean === '' ? undefined : clean
}
