import { eventWrite, type Happening } from '../audit/event-write.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import type { PromiseVerdict } from '../domain/sign-in-promise.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import { commitNew } from '../store/transition.ts'
import { mintDischarge } from '../tokens/discharge-token.ts'
import { openPromise, type SealedPromise } from '../tokens/sealed-promise.ts'
import type { Core } from './core.ts'

export type Asked = { readonly caveatId: string; readonly sealed: SealedPromise }

/** The promise that a caveat id names. Nothing but what we sealed is ever discharged, and no location is ever visited (K08). */
export async function readCaveatId(core: Core, caveatId: string | undefined): Promise<Asked | Refusal> {
  if (caveatId === undefined) return refuse('invalid_request', 'parameter_missing', 'caveat_id is missing')
  let sealed = openPromise(core.keys, caveatId)
  if (sealed === undefined && (await core.keys.learn())) sealed = openPromise(core.keys, caveatId)
  return sealed === undefined
    ? refuse('invalid_request', 'promise_unknown', 'caveat_id is none that this server made')
    : { caveatId, sealed }
}

/** Why a sign-in doesn't keep the promise, for whoever asked. */
export function unkept(verdict: Exclude<PromiseVerdict, 'met'>): Refusal {
  if (verdict === 'other_user')
    return refuse('access_denied', 'promise_other_user', 'the caveat is about somebody else')
  return verdict === 'too_old'
    ? refuse('insufficient_user_authentication', 'recent_sign_in')
    : refuse('insufficient_user_authentication', 'promise_method', 'another way of sign-in is needed')
}

/** The discharge, once it is on record. */
export async function issueDischarge(
  core: Core,
  { caveatId, sealed }: Asked,
  by: Pick<Happening, 'userId' | 'clientId' | 'grantId' | 'sessionId' | 'address'>,
): Promise<string> {
  await commitNew(core.transition, [eventWrite(core, { type: 'discharge.issued', ...by })])
  const until = core.clock.seconds() + lifetimes.discharge
  return mintDischarge(sealed, { caveatId, issuer: core.issuer, until })
}
