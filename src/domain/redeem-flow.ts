import { refuse, type Refusal } from '../protocol/errors.ts'
import type { Flow } from './flow.ts'
import { remove, type Decision, type Slot } from './record.ts'

/**
 * Use a state up. RFC 9700 §4.7, L01, L11: once, and only by the browser that started, at the callback of the provider that it
 * was made for (L06, L09). Shown in a wrong place it is used up too: then somebody knows it who shouldn't.
 */
export function redeemFlow(
  slot: Slot<'flow'>,
  shown: { readonly provider: string; readonly browserHash: string | undefined },
): Decision<Flow | Refusal> {
  const flow = slot.value
  if (flow === undefined) return { writes: [], result: refuse('invalid_request', 'flow_unknown') }
  const writes = remove(slot)
  if (flow.provider !== shown.provider) return { writes, result: refuse('invalid_request', 'flow_of_other_provider') }
  if (flow.browserHash !== shown.browserHash)
    return { writes, result: refuse('invalid_request', 'flow_of_other_browser') }
  return { writes, result: flow }
}
