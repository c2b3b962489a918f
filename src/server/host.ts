import { isLoopbackHost } from '../protocol/loopback.ts'

/** Whether a Host header names this server. `boundPort` is where it listens, once it does. */
export type HostCheck = (host: string, boundPort: number | undefined) => boolean

/**
 * G08: a foreign Host gets 421, so that nothing built from it, here or in a cache before us, is ever about somebody else's name.
 * A loopback issuer answers to every name of this machine, with the issuer's port or the one really bound.
 */
export function createHostCheck(issuer: string, extraHosts: readonly string[] = []): HostCheck {
  const { host, hostname, port, protocol } = new URL(issuer)
  const defaultPort = protocol === 'https:' ? '443' : '80'
  const known = new Set([
    host,
    `${hostname}:${port === '' ? defaultPort : port}`,
    ...extraHosts.map((extra) => extra.toLowerCase()),
  ])
  const local = isLoopbackHost(hostname)

  return (given, boundPort) => {
    if (known.has(given)) return true
    const lower = given.toLowerCase()
    if (known.has(lower)) return true
    if (!local) return false
    const named = /^(localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/.exec(lower)
    if (named === null) return false
    const asked = named[2] ?? '80'
    if (asked !== (port === '' ? defaultPort : port) && asked !== String(boundPort)) return false
    // Next time it is looked up; there are six such names at most.
    if (given === lower) known.add(given)
    return true
  }
}
