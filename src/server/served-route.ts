import { corsHeaders } from './cors.ts'
import type { ServedRoute } from './exchange.ts'
import type { Metrics } from './metrics.ts'
import { bodyLimitOf, errorStyleOf, priorityOf, type Route } from './route.ts'

/** Headers of every answer, flat. */
export function headersEverywhere(issuer: string): readonly string[] {
  const headers = ['x-content-type-options', 'nosniff']
  // RFC 6797 §7.2: only where the issuer itself says that this host speaks https.
  return issuer.startsWith('https:') ? [...headers, 'strict-transport-security', 'max-age=31536000'] : headers
}

/** What of a route is the same for every request, worked out once. */
export function servedRoute(
  route: Route,
  { everywhere, metrics }: { readonly everywhere: readonly string[]; readonly metrics: Metrics },
): ServedRoute {
  const withCors = [...everywhere, ...corsHeaders.flat()]
  return {
    route,
    style: errorStyleOf(route),
    bodyLimit: bodyLimitOf(route),
    priority: priorityOf(route),
    fixed: route.cors === 'public' ? withCors : everywhere,
    // G09: a document for everybody is the same for everybody.
    fixedOpaque: route.cors === 'public' && route.access === 'public' ? withCors : everywhere,
    counts: metrics.route(route.method, route.path),
  }
}
