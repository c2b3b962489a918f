import type { SignedIn } from '../../domain/next-step.ts'
import { throttled } from '../../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import type { Core } from '../core.ts'
import { refusalPage } from '../presentation.ts'

/** Each account elsewhere that is added is a letter, as with every change of a credential; whoever adds and removes in turn waits. */
export function linkingTooOften(core: Core, http: HttpRequest, { user }: SignedIn): HttpResponse | undefined {
  const room = core.limits.reserve('credential-change', [user.userId, http.peer.address])
  if (!('retryAfterSeconds' in room)) return undefined
  return refusalPage(core, http, { endpoint: 'identities', refusal: throttled(room.retryAfterSeconds) })
}
