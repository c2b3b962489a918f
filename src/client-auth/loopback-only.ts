import { isLoopbackAddress, isLoopbackHost } from '../protocol/loopback.ts'
import type { HttpRequest } from '../protocol/http.ts'
import type { ClientAuthContext } from './context.ts'

/**
 * Whether a request comes from this machine and from nowhere else: issuer, listener, peer and Host are loopback and nothing
 * says that it was forwarded. A reverse proxy on the same machine would make every stranger look local.
 */
export function isLoopbackRequest(
  context: Pick<ClientAuthContext, 'issuer' | 'trustsProxies'>,
  request: HttpRequest,
): boolean {
  const { peer } = request
  return (
    !context.trustsProxies &&
    !peer.forwarded &&
    isLoopbackHost(new URL(context.issuer).hostname) &&
    isLoopbackAddress(peer.socketAddress) &&
    isLoopbackAddress(peer.localAddress) &&
    isLoopbackHost(hostName(request.headers['host']))
  )
}

function hostName(host: string | undefined): string {
  if (host === undefined) return ''
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] ?? '')
}
