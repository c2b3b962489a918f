import { remembering } from '../protocol/remembering.ts'

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

/** Few programs ask most of the time, and none of them says as much as this of itself. */
const longestRemembered = 512

/** What a person would call the device behind a User-Agent: "Firefox on Linux", "curl". At most 60 characters. */
export function deviceNameOf(userAgent: string | undefined): string {
  if (userAgent === undefined || userAgent === '') return 'unknown device'
  return userAgent.length <= longestRemembered ? rememberedName(userAgent) : nameOf(userAgent)
}

const rememberedName = remembering(256, nameOf)

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
