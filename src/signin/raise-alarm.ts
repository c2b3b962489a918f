import { eventWrite } from '../audit/event-write.ts'
import { commitNew } from '../store/transition.ts'
import type { PasswordContext } from './context.ts'

/** H03: heard by whoever reads the events, or their sink. Once a minute, as long as the budget of everybody is used up. */
export async function raiseAlarm(
  context: Pick<PasswordContext, 'limits' | 'transition' | 'clock' | 'random'>,
): Promise<void> {
  if ('retryAfterSeconds' in context.limits.reserve('alarm', [])) return
  await commitNew(context.transition, [eventWrite(context, { type: 'signin.flooded' })])
}
