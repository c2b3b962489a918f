import type { OAuthProvider } from '../config/provider.ts'
import type { Flow } from '../domain/flow.ts'
import { redeemFlow } from '../domain/redeem-flow.ts'
import { ref } from '../domain/record.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import { transition } from '../store/transition.ts'
import type { FlowContext } from './context.ts'
import { flowIdOf, flowSecrets, type FlowSecrets } from './flow-secrets.ts'

export type TakenFlow = { readonly flow: Flow; readonly secrets: FlowSecrets; readonly state: string }

/** Redeem the state of a callback, once. What can't be a state of ours costs no read. */
export async function takeFlow(
  context: FlowContext,
  provider: Pick<OAuthProvider, 'name'>,
  shown: { readonly state: string | undefined; readonly browserHash: string | undefined },
): Promise<TakenFlow | Refusal> {
  const { state } = shown
  const id = flowIdOf(state)
  if (id === undefined || state === undefined) return refuse('invalid_request', 'flow_unknown')
  const flow = await transition(context.transition, { flow: ref('flow', id) }, (slots) =>
    redeemFlow(slots.flow, { provider: provider.name, browserHash: shown.browserHash }),
  )
  if (isRefusal(flow)) return flow
  const secrets = flowSecrets(context.keys, flow.keyId, state)
  return secrets === undefined ? refuse('invalid_request', 'flow_unknown') : { flow, secrets, state }
}
