import { boundRefusals, type RefusalContext } from '../audit/refusals.ts'
import type { Decision, Slot } from '../domain/record.ts'

/**
 * L12: anybody begins connections that are nobody's yet, and ends them, as often as he likes: what tells of that has the room that
 * refusals have. The change itself goes through, and so does what happens to any other connection. For one request.
 */
export function boundStart(
  context: RefusalContext,
  address: string,
): <Result>(slot: Slot<'connection'>, decision: Decision<Result>) => Decision<Result> {
  const bound = boundRefusals(context, address)
  return ({ value }, decision) => {
    if (value?.state !== 'pending' || value.owner.kind !== 'handle') return decision
    const changes = decision.writes.filter(({ op }) => op !== 'append')
    const told = decision.writes.filter(({ op }) => op === 'append')
    return { ...decision, writes: [...changes, ...bound(told)] }
  }
}
