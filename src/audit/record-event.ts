import { commitNew, type TransitionContext } from '../store/transition.ts'
import { eventWrite, type EventContext, type Happening } from './event-write.ts'

export type AuditContext = EventContext & { readonly transition: TransitionContext }

/**
 * Record what changed nothing else: a failed sign-in, a refusal. Resolves once the event is durable; throws StoreUnavailable,
 * so that whoever can't be recorded isn't served either.
 */
export async function recordEvent(context: AuditContext, happening: Happening): Promise<void> {
  await commitNew(context.transition, [eventWrite(context, happening)])
}
