import type { Route } from './route.ts'

/** A page whose form is sent to where it stands. */
export function formRoutes(path: string, endpoint: Route['endpoint']): readonly Route[] {
  return [
    { method: 'GET', path, endpoint, kind: 'none', access: 'browser' },
    { method: 'POST', path, endpoint, kind: 'form', access: 'browser' },
  ]
}
