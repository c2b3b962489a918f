import type { Flow } from '../lane.ts'
import { barePost } from './bare-post.ts'
import { clientCredentials } from './client-credentials.ts'
import { codeWithSession, signIn } from './code.ts'
import { discovery, jwks } from './document.ts'
import { introspect } from './introspect.ts'
import { refresh } from './refresh.ts'

/** Every flow by the name scenarios use. */
export const flows = {
  'cc-opaque': clientCredentials('opaque'),
  'cc-jwt': clientCredentials('jwt'),
  'introspect-opaque': introspect('opaque'),
  'introspect-jwt': introspect('jwt'),
  refresh,
  'code-flow': codeWithSession,
  'sign-in': signIn,
  jwks,
  discovery,
  'bare-post': barePost,
} as const satisfies Record<string, Flow>

export type FlowName = keyof typeof flows
