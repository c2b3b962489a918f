import type { Errand } from '../../domain/flow.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { openDestination } from '../../signin/destination.ts'
import type { Proof } from '../../signin/session.ts'
import { completeSignIn } from '../complete-sign-in.ts'
import type { Core } from '../core.ts'
import { takeUp } from '../interactions.ts'

/** Signed in after a journey: take up what the person left for, checked afresh, or go where he was going. */
export async function goOn(
  core: Core,
  http: HttpRequest,
  { proof, errand }: { readonly proof: Proof; readonly errand: Errand },
): Promise<HttpResponse> {
  const pending = errand.interaction === undefined ? undefined : await takeUp(core, http, errand.interaction)
  if (pending !== undefined && 'status' in pending) return pending
  return completeSignIn(core, http, { proof, pending, next: openDestination(core, errand) })
}
