import type { OAuthProvider } from '../config/provider.ts'
import type { Flow } from '../domain/flow.ts'
import { redeemFlow } from '../domain/redeem-flow.ts'
import { ref } from '../domain/record.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { FlowContext } from './context.ts'
import { flowIdOf, flowSecrets, type FlowSecrets } from './flow-secrets.ts'

export type TakenFlow = { readonly flow: Flow; readonly secrets: FlowSecrets; readonly state: string }

/** Redeem the state of a callback, once. What can't be a state of ours costs no read; one whose key nobody has told this process yet stays. */
export async function takeFlow(
  context: FlowContext,
  provider: Pick<OAuthProvider, 'name'>,
  shown: { readonly state: string | undefined; readonly browserHash: string | undefined },
): Promise<TakenFlow | Refusal> {
  const { state } = shown
  const id = flowIdOf(state)
  if (id === undefined || state === undefined) return refuse('invalid_request', 'flow_unknown')
  const found = await readAlive(context.transition.store, ref('flow', id), context.clock.seconds())
  if (found === undefined) return refuse('invalid_request', 'flow_unknown')
  const secrets = await readWithNewest(context.keys, () => flowSecrets(context.keys, found.keyId, state))
  // Before anything is written: the browser comes again, and another node may have the key.
  if (secrets === undefined) return { ...refuse('temporarily_unavailable', 'flow_key'), retryAfter: 1 }
  const flow = await transition(context.transition, { flow: ref('flow', id) }, (slots) =>
    redeemFlow(slots.flow, { provider: provider.name, browserHash: shown.browserHash }),
  )
  return isRefusal(flow) ? flow : { flow, secrets, state }
}
