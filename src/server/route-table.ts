import type { Route } from './route.ts'

/** The routes as a stranger's request meets them: what there is at a path, whatever the method. */
export type RouteTable = {
  /** Paths without parameters. */
  readonly paths: ReadonlySet<string>
  /** What stands before the first parameter of the routes that end in `/*`. */
  readonly openPrefixes: readonly string[]
  readonly at: (path: string) => readonly Route[]
}

/** Throws if two routes are the same, whatever their parameters are called, or if one is another's with a parameter filled in. */
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
  const fixed = [...byShape.keys()].filter((shape) => !shape.includes(':'))
  for (const path of fixed) {
    const [shadowed] = byParameters(path)
    // Its methods would answer here as well, for a thing that is called so.
    if (shadowed !== undefined) throw new Error(`two routes for ${path}: it is also ${shadowed.path}`)
  }
  return {
    paths: new Set(fixed),
    openPrefixes: [
      ...new Set(routes.flatMap(({ path }) => (path.endsWith('/*') ? [path.slice(0, path.indexOf(':'))] : []))),
    ],
    at: (path) => (path.includes(':') ? byParameters(path) : (byShape.get(path) ?? byParameters(path))),
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
  if (pattern.at(-1) === '*') {
    const fixed = pattern.slice(0, -1)
    return segments.length > fixed.length && fits(fixed, segments.slice(0, fixed.length))
  }
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part === ':' ? segments[index] !== '' : part === segments[index]))
  )
}
