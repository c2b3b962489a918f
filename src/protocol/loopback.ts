const ipv4 = /^127(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$/
const mapped = '::ffff:'

/** Whether an address, as a socket names it, is this machine's own: 127.0.0.0/8, ::1, or the former mapped into IPv6. */
export function isLoopbackAddress(address: string): boolean {
  if (address.length > 45) return false
  if (address === '::1') return true
  return ipv4.test(address.toLowerCase().startsWith(mapped) ? address.slice(mapped.length) : address)
}

/** Whether a host, without port, means this machine whatever a resolver says: a loopback address or `localhost` (RFC 6761 §6.3). */
export function isLoopbackHost(host: string): boolean {
  if (host.length > 45) return false
  return host.toLowerCase() === 'localhost' || host === '[::1]' || host === '::1' || ipv4.test(host)
}
