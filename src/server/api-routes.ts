import { createApi } from '../api/create-api.ts'
import type { Core } from '../endpoints/core.ts'
import type { Route } from './route.ts'

/** The REST API's own table, as routes of the shell. */
export function apiRoutes(core: Core): readonly Route[] {
  return createApi(core).map((route) => ({
    method: route.method,
    path: route.path,
    endpoint: route.handle,
    kind: route.body,
    access: route.public ? 'public' : 'token',
    bodyLimit: route.bodyLimit,
    priority: 'list',
  }))
}
