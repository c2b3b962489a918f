import type { Endpoint } from '../protocol/http.ts'

/** What gives way first when there is more to do than can be done: the last of the list. `vital` never does. */
export const priorities = ['vital', 'revoke', 'introspect', 'token', 'authorize', 'sign-in', 'list'] as const
export type Priority = (typeof priorities)[number]

/** Whom a route's errors are for: a person, an OAuth client, or a program on the REST API. */
export type ErrorStyle = 'page' | 'oauth' | 'problem'

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** One canonical spelling; `:name` stands for one segment, and `/*` at the end for everything below. */
  readonly path: string
  readonly endpoint: Endpoint
  /** What bodies it takes. A `none` route takes none at all; a `stream` route any, and reads it itself. */
  readonly kind: 'form' | 'json' | 'none' | 'stream'
  /** Who may, in one word. The endpoint enforces it; here it decides whom errors are for and what gives way under load. */
  readonly access: 'public' | 'client' | 'token' | 'browser' | 'operator'
  /** In bytes. Default: 64 KiB for forms, 1 MiB for JSON, 16 MiB for streams. */
  readonly bodyLimit?: number
  readonly priority?: Priority
  /** `public`: scripts of any origin may call it and read the answer, without cookies. Default: none. */
  readonly cors?: 'none' | 'public'
  /** Whether HEAD is answered like GET. Only where GET has no effect. */
  readonly head?: boolean
  /** Answers whatever the Host header says: for balancers that ask by address. */
  readonly anyHost?: boolean
}

const defaultPriority = {
  public: 'revoke',
  client: 'token',
  token: 'list',
  browser: 'sign-in',
  operator: 'vital',
} as const satisfies Record<Route['access'], Priority>

export function priorityOf(route: Route): Priority {
  return route.priority ?? defaultPriority[route.access]
}

const bodyLimits = { form: 65_536, json: 1_048_576, stream: 16_777_216 } as const

export function bodyLimitOf(route: Route): number {
  if (route.kind === 'none') return 0
  return route.bodyLimit ?? bodyLimits[route.kind]
}

export function errorStyleOf(route: Pick<Route, 'path' | 'access'>): ErrorStyle {
  if (route.path.startsWith('/api/')) return 'problem'
  return route.access === 'browser' ? 'page' : 'oauth'
}
