import type { Route } from './route.ts'

/** The routes as a stranger's request meets them: what there is at a path, whatever the method. */
export type RouteTable = {
  /** Paths without parameters. */
  readonly paths: ReadonlySet<string>
  readonly at: (path: string) => readonly Route[]
}

/** Throws if two routes are the same, whatever their parameters are called. */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const byShape = new Map<string, Route[]>()
  for (const route of routes) {
    const shape = shapeOf(route.path)
    const rivals = byShape.get(shape) ?? []
    if (rivals.some((rival) => rival.method === route.method))
      throw new Error(`two routes for ${route.method} ${route.path}`)
    byShape.set(shape, [...rivals, route])
  }
  const open = [...byShape]
    .filter(([shape]) => shape.includes(':'))
    .map(([shape, found]) => ({ segments: shape.split('/'), found }))
  return {
    paths: new Set(routes.map(({ path }) => path).filter((path) => !path.includes(':'))),
    at: (path) => {
      if (path.includes(':')) return byParameters(path)
      return byShape.get(path) ?? byParameters(path)
    },
  }

  function byParameters(path: string): readonly Route[] {
    const segments = path.split('/')
    return open.find((entry) => fits(entry.segments, segments))?.found ?? []
  }
}

function shapeOf(path: string): string {
  return path.replaceAll(/:[^/]+/g, ':')
}

/** The methods of a path, as `Allow` names them (RFC 9110 §10.2.1). */
export function methodsOf(routes: readonly Route[]): readonly string[] {
  const methods = routes.flatMap(({ method, head }) => (head === true ? [method, 'HEAD'] : [method]))
  return routes.some(({ cors }) => cors === 'public') ? [...methods, 'OPTIONS'] : methods
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part === ':' ? segments[index] !== '' : part === segments[index]))
  )
}
