import type { IncomingMessage } from 'node:http'
import { isOpaqueOrigin, preflight } from './cors.ts'
import { refuse, serve, type Arrival, type ExchangeContext, type Unserved } from './exchange.ts'
import { methodsOf } from './route-table.ts'
import { errorStyleOf, type Route } from './route.ts'

/** Answers for what isn't a route: 404, or 405 and preflights where the path is one. */
export function createMisses(of: { readonly context: ExchangeContext; readonly everywhere: readonly string[] }) {
  const { context, everywhere } = of
  const unmatched = context.metrics.route('', 'unmatched')

  /** `routes`: what there is at this path. */
  function answer(arrival: Arrival, routes: readonly Route[]): void {
    const { request } = arrival
    const open = routes.filter(({ cors }) => cors === 'public')
    const missed = { ...arrival, served: nowhere(request, routes) }
    if (routes.length === 0) refuse(context, missed, { name: 'not_found' })
    else if (request.method === 'OPTIONS' && open.length > 0) {
      if (isOpaqueOrigin(request.headers)) refuse(context, missed, { name: 'cross_origin' })
      else
        serve(context, {
          ...arrival,
          served: {
            ...missed.served,
            bodyLimit: 0,
            priority: 'vital',
            route: { ...missed.served.route, endpoint: () => preflight(methodsOf(open)) },
          },
          params: {},
        })
    } else refuse(context, missed, { name: 'method', headers: [['allow', methodsOf(routes).join(', ')]] })
  }

  /** What an answer needs of a route, where there is none. */
  function nowhere(request: IncomingMessage, routes: readonly Route[]): Unserved['served'] {
    const path = request.url ?? ''
    const asPage = request.headers.accept?.includes('text/html') === true
    const style = path.startsWith('/api/')
      ? 'problem'
      : asPage
        ? 'page'
        : routes[0] === undefined
          ? 'oauth'
          : errorStyleOf(routes[0])
    return {
      route: {
        method: 'GET',
        path: 'unmatched',
        endpoint: ({ headers }) => context.errors('not_found', { style, headers }),
        kind: 'none',
        access: 'public',
      },
      style,
      fixed: everywhere,
      fixedOpaque: everywhere,
      counts: unmatched,
    }
  }

  return { answer, nowhere }
}
