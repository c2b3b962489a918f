import { AuditSinkDown } from '../audit/sink-down.ts'
import { PasswordPoolBusy } from '../crypto/password-pool.ts'
import { refuse } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { problem } from '../protocol/problem.ts'
import { StoreContended } from '../store/contended.ts'
import { StoreUnavailable } from '../store/unavailable.ts'
import { printRefused, printResult } from './answer.ts'
import { admit, staleSignIn } from './caller.ts'
import type { ApiContext } from './context.ts'
import type { Operation } from './operation.ts'

/** Every call passes the same gates in the same order; its own part is `perform`. */
export function createPipeline(context: ApiContext, operation: Operation): Endpoint {
  return async (request) => {
    try {
      return await answerTo(context, operation, request)
    } catch (error) {
      if (!isPassing(error)) throw error
      return printRefused({
        refused: problem('temporarily_unavailable', {
          detail:
            error instanceof AuditSinkDown
              ? 'the audit sink takes no events, so nothing is issued or changed until it does'
              : 'nothing was refused: try again in a moment',
        }),
        retryAfter: 1,
      })
    }
  }
}

async function answerTo(context: ApiContext, operation: Operation, request: HttpRequest): Promise<HttpResponse> {
  // 1. Who calls, and may he make this call at all? Nobody else learns even whether his request was well formed.
  const caller = await admit(context, request, operation)
  if ('refused' in caller) return printRefused(caller)
  // 2. Is the request exactly what the schemas say?
  const ready = operation.read(request)
  if ('refused' in ready) return printRefused(ready)
  // 3. Did the person sign in recently enough for what it names, and with all that he has?
  const stale = await staleSignIn(context, { policy: operation.policy, caller, named: ready.named })
  if (stale !== undefined) return printRefused(stale)
  // 4. The deed. Whether this caller may do it to this target is decided where it is done, on the records that it changes.
  const result = await ready.perform(context, caller)
  // 5. What was looked up on the way must still have been true: a node that lost sight of the store says nothing.
  context.directory.assertFresh()
  if ('refused' in result && result.refused.status === 403) {
    context.observer.refused('api', refuse('access_denied', 'user_not_allowed'), { address: request.peer.address })
  }
  return printResult(operation, result)
}

/** What will pass by itself. Everything else is a mistake of ours, for the shell to log. */
function isPassing(error: unknown): boolean {
  return error instanceof StoreUnavailable || error instanceof StoreContended || error instanceof PasswordPoolBusy
}
