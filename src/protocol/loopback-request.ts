import type { HttpRequest } from './http.ts'
import { issuerUrl } from './issuer-url.ts'
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts'

/**
 * Whether a request comes from this machine and from nowhere else: issuer, listener, peer and Host are loopback and nothing
 * says that it was forwarded. A reverse proxy on the same machine would make every stranger look local.
 */
export function isLoopbackRequest(
  context: { readonly issuer: string; readonly trustsProxies: boolean },
  request: HttpRequest,
): boolean {
  const { peer } = request
  return (
    !context.trustsProxies &&
    !peer.forwarded &&
    isLoopbackHost(issuerUrl(context.issuer).hostname) &&
    isLoopbackAddress(peer.socketAddress) &&
    isLoopbackAddress(peer.localAddress) &&
    isLoopbackHost(hostName(request.headers['host'])) &&
    isLocalPage(request.headers)
  )
}

/**
 * A browser on this machine says whose page asks: any site that its person visits could guess passwords through it. Our own
 * pages may have an opaque origin; then the browser says itself that it is ours, which no script can.
 */
function isLocalPage({ origin, 'sec-fetch-site': site }: HttpRequest['headers']): boolean {
  return origin === undefined || site === 'same-origin' || isLoopbackHost(URL.parse(origin)?.hostname ?? '')
}

function hostName(host: string | undefined): string {
  if (host === undefined) return ''
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] ?? '')
}
