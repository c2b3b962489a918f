import { BlockList, isIP } from 'node:net'
import type { EpochSeconds } from '../protocol/time.ts'
import { isScopeToken } from '../protocol/scope.ts'
import type { CaveatContext } from './caveat-context.ts'
import { parseInstant } from './macaroon/instant.ts'
import { parsePredicate } from './macaroon/predicate.ts'

/** A caveat that narrows an access macaroon. Lists are of at least one item. */
export type Attenuation =
  | { readonly kind: 'time'; readonly before: EpochSeconds }
  | {
      readonly kind: 'scope' | 'aud' | 'connection' | 'endpoint' | 'method' | 'path' | 'ip'
      readonly any: readonly string[]
    }

const items: Readonly<Record<Exclude<Attenuation['kind'], 'time'>, (item: string) => boolean>> = {
  scope: isScopeToken,
  aud: (item) => item.length <= 1024 && /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/.test(item),
  connection: (item) => /^[A-Za-z0-9._:~-]{1,200}$/.test(item),
  endpoint: (item) => /^[A-Za-z0-9._:-]{1,128}$/.test(item),
  method: (item) => /^[A-Z]{1,16}$/.test(item),
  path: (item) =>
    item.length <= 1024 && /^\/[\x21-\x22\x24-\x29\x2b-\x3e\x40-\x7e]*\*?$/.test(item) && !/[^/]\*$/.test(item),
  ip: isAddressRange,
}

/**
 * The attenuation that a predicate is, or undefined for what isn't one, or isn't in its one spelling: such a macaroon is refused
 * whole (K03, K04).
 */
export function parseAttenuation(text: string): Attenuation | undefined {
  const predicate = parsePredicate(text)
  if (predicate === undefined) return undefined
  const { key, operator, value } = predicate
  if (key === 'time') {
    const before = operator === '<' ? parseInstant(value) : undefined
    return before === undefined ? undefined : { kind: 'time', before }
  }
  if (operator !== '=' || !isListed(key)) return undefined
  const any = value.split(' ')
  return any.every(items[key]) ? { kind: key, any } : undefined
}

/** Whether a call is within a contextual attenuation. What the context doesn't say isn't. */
export function isWithin(attenuation: Attenuation, context: CaveatContext): boolean {
  switch (attenuation.kind) {
    case 'connection':
      return context.connection !== undefined && attenuation.any.includes(context.connection.id)
    case 'endpoint':
    case 'method': {
      const said = context[attenuation.kind]
      return said !== undefined && attenuation.any.includes(said)
    }
    case 'path': {
      const { path } = context
      return path !== undefined && isPlainPath(path) && attenuation.any.some((pattern) => fits(path, pattern))
    }
    case 'ip': {
      const { ip } = context
      return ip !== undefined && attenuation.any.some((range) => isInRange(ip, range))
    }
    default:
      // Time, scope and audience are the token's own affair: no context says anything about them.
      return true
  }
}

function isListed(key: string): key is keyof typeof items {
  return Object.hasOwn(items, key)
}

/** `/v1/things/*` is everything below `/v1/things/`; without the star it is that path alone. */
function fits(path: string, pattern: string): boolean {
  return pattern.endsWith('*')
    ? path.startsWith(pattern.slice(0, -1)) && path !== pattern.slice(0, -1)
    : path === pattern
}

/** A path that every server reads the same: no empty or dot segment, nothing encoded that means a slash or a dot (L3). */
function isPlainPath(path: string): boolean {
  if (!path.startsWith('/') || /[?#\\;\s]|%(?:2e|2f|5c|25|3b|00)/i.test(path)) return false
  const segments = path.slice(1).split('/')
  return segments.every(
    (segment, index) => segment !== '.' && segment !== '..' && (segment !== '' || index === segments.length - 1),
  )
}

function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || more.length > 0) return false
  return prefix === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

function isInRange(ip: string, range: string): boolean {
  const family = isIP(ip)
  if (family === 0) return false
  const [address = '', prefix] = range.split('/')
  const listed = new BlockList()
  const type = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  if (prefix === undefined) listed.addAddress(address, type)
  else listed.addSubnet(address, Number(prefix), type)
  return listed.check(ip, family === 4 ? 'ipv4' : 'ipv6')
}
