import type { Route } from './route.ts'

/** What there is at a path, whatever the method, and what its segments say of it, in the order of the parameters. */
export type Place = { readonly routes: readonly Route[]; readonly values: readonly string[] }

/** The routes as a stranger's request meets them. */
export type RouteTable = {
  /** Paths without parameters. */
  readonly paths: ReadonlySet<string>
  /** What stands before the first parameter of the routes that end in `/*`. */
  readonly openPrefixes: readonly string[]
  /** For a canonical path (target.ts). A segment that is written down goes before a parameter. */
  readonly at: (path: string) => Place
}

/** One segment after the other; what begins with it comes below. */
type Segment = {
  readonly named: Map<string, Segment>
  parameter: Segment | undefined
  readonly routes: Route[]
  /** Those that take whatever follows. */
  readonly open: Route[]
}

const newSegment = (): Segment => ({ named: new Map(), parameter: undefined, routes: [], open: [] })

const nowhere: Place = { routes: [], values: [] }

/** No value is longer: the identifier of an API may have 1,024 characters, which are 1,366 in base64url. */
const longestValue = 2048

/** Throws if two routes are the same, whatever their parameters are called, or if one is another's with a parameter filled in. */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const root = newSegment()
  const fixed = new Map<string, Place>()
  for (const route of routes) {
    const rivals = listAt(root, route.path)
    if (rivals.some((rival) => rival.method === route.method))
      throw new Error(`two routes for ${route.method} ${route.path}`)
    rivals.push(route)
    if (!route.path.includes(':')) fixed.set(route.path, { routes: rivals, values: [] })
  }
  for (const path of fixed.keys()) {
    const [shadowed] = find(root, partsOf(path), true)?.routes ?? []
    // Its methods would answer here as well, for a thing that is called so.
    if (shadowed !== undefined) throw new Error(`two routes for ${path}: it is also ${shadowed.path}`)
  }
  return {
    paths: new Set(fixed.keys()),
    openPrefixes: [
      ...new Set(routes.flatMap(({ path }) => (path.endsWith('/*') ? [path.slice(0, path.indexOf(':'))] : []))),
    ],
    at: (path) => fixed.get(path) ?? decoded(find(root, partsOf(path))) ?? nowhere,
  }
}

/** Where the routes of this shape are kept. */
function listAt(root: Segment, path: string): Route[] {
  let at = root
  for (const part of partsOf(path)) {
    if (part === '*') return at.open
    if (part.startsWith(':')) at = at.parameter ??= newSegment()
    else {
      const below = at.named.get(part) ?? newSegment()
      at.named.set(part, below)
      at = below
    }
  }
  return at.routes
}

/** `byParameter`: only a place below one. */
function find(at: Segment, parts: readonly string[], byParameter = false): Place | undefined {
  const [part, ...rest] = parts
  if (part === undefined) return at.routes.length > 0 && !byParameter ? { routes: at.routes, values: [] } : undefined
  const below = at.named.get(part)
  const found = below === undefined ? undefined : find(below, rest, byParameter)
  if (found !== undefined) return found
  const behind = at.parameter === undefined || part === '' ? undefined : find(at.parameter, rest)
  if (behind !== undefined) return { routes: behind.routes, values: [part, ...behind.values] }
  return at.open.length > 0 ? { routes: at.open, values: [parts.join('/')] } : undefined
}

const partsOf = (path: string): readonly string[] => path.split('/').slice(1)

/** RFC 3986 §2.1, once. A value that is longer than any stands for nothing. */
function decoded(place: Place | undefined): Place | undefined {
  if (place === undefined) return undefined
  const values = place.values.map((value) => (value.includes('%') ? decodeURIComponent(value) : value))
  return values.some((value) => value.length > longestValue) ? undefined : { ...place, values }
}

/** The parameters of a path in their order; `*` is what follows. */
export function parametersOf(path: string): readonly string[] {
  return partsOf(path).flatMap((part) => (part === '*' ? [part] : part.startsWith(':') ? [part.slice(1)] : []))
}

/** The methods of requests that reach a route's endpoint. */
export function methodsAt({ method, head }: Route): readonly string[] {
  return head === true ? [method, 'HEAD'] : [method]
}

/** The methods of a path, as `Allow` names them (RFC 9110 §10.2.1). */
export function methodsOf(routes: readonly Route[]): readonly string[] {
  const methods = routes.flatMap(methodsAt)
  return routes.some(({ cors }) => cors === 'public') ? [...methods, 'OPTIONS'] : methods
}
