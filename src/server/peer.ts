import { BlockList, isIP, isIPv4 } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'
import type { Peer } from '../protocol/http.ts'

const mostHops = 32

/** What one connection knows of its two ends. Made once per connection. */
export type Ends = { readonly trusted: boolean; readonly direct: Peer; readonly marked: Peer }

export type Peers = {
  readonly ends: (socketAddress: string | undefined, localAddress: string | undefined) => Ends
  /** The peer of one request on that connection. */
  readonly of: (ends: Ends, headers: IncomingHttpHeaders, forwarded: boolean) => Peer
}

/**
 * G10: forwarding headers count only if the socket's own peer is a trusted proxy. `X-Forwarded-For` is then read from its right
 * end, past further trusted proxies, to the first address that nobody we trust vouches against. Whatever can't be read leaves the
 * address of the socket: never a skipped check. RFC 7239 `Forwarded` isn't read: two headers would be two opinions.
 */
export function createPeers(trustedProxies: readonly string[]): Peers {
  const trusted = new BlockList()
  for (const range of trustedProxies) {
    const [address = '', prefix] = range.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (prefix === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(prefix), family)
  }
  const isTrusted = (address: string): boolean =>
    trustedProxies.length > 0 && isIP(address) !== 0 && trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')

  return {
    ends: (socketEnd, localEnd) => {
      const socketAddress = unmapped(socketEnd ?? '')
      const localAddress = unmapped(localEnd ?? '')
      const direct = { address: socketAddress, socketAddress, localAddress, forwarded: false }
      return { trusted: isTrusted(socketAddress), direct, marked: { ...direct, forwarded: true } }
    },
    of: (ends, headers, forwarded) => {
      if (!forwarded) return ends.direct
      const list = headers['x-forwarded-for']
      if (!ends.trusted || typeof list !== 'string') return ends.marked
      const address = firstUntrusted(list, isTrusted)
      return address === undefined ? ends.marked : { ...ends.marked, address }
    },
  }
}

function firstUntrusted(list: string, isTrusted: (address: string) => boolean): string | undefined {
  const hops = list.split(',', mostHops + 1)
  if (hops.length > mostHops) return undefined
  let found: string | undefined
  for (const hop of hops.toReversed()) {
    found = parseHop(hop.trim())
    if (found === undefined || !isTrusted(found)) return found
  }
  return found
}

/** An address, or one with a port as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text
  if (isIP(bare) === 0 || bare.includes('%')) return undefined
  // A copy that doesn't keep the whole header alive wherever the address is remembered.
  return unmapped(Buffer.from(bare, 'latin1').toString('latin1'))
}

/** A socket that listens on both families names IPv4 peers as `::ffff:192.0.2.1`. */
function unmapped(address: string): string {
  const v4 = address.toLowerCase().startsWith('::ffff:') ? address.slice(7) : ''
  return isIPv4(v4) ? v4 : address
}
