import { isRefusal } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import { destinationOf } from '../signin/destination.ts'
import { proveByPasskey } from '../signin/passkey.ts'
import { takeUpToSignIn } from './carried-requests.ts'
import { completeSignIn } from './complete-sign-in.ts'
import type { Core } from './core.ts'
import { passkeySignIn } from './passkey-challenge.ts'
import { refusalPage } from './presentation.ts'
import { readPageRequest } from './read-page-request.ts'

/** Signing in by a passkey alone: nobody types a name, so there is none to find out about (H02). */
export function createPasskeySignInEndpoint(core: Core): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'signin')
    if ('status' in form) return form
    const { parameters, interaction, signedIn: previous } = form
    const pending = interaction === undefined ? undefined : await takeUpToSignIn(core, http, interaction)
    if (pending !== undefined && 'status' in pending) return pending
    const text = parameters.get('credential') ?? ''
    const proof = await proveByPasskey(core, http, { text, purpose: passkeySignIn })
    if (isRefusal(proof)) return refusalPage(core, http, { endpoint: 'passkey', refusal: proof })
    const { user, amr } = proof
    return completeSignIn(core, http, {
      proof: { user, persistent: parameters.get('remember') !== undefined, amr, acr: 'mfa', previous },
      pending,
      next: destinationOf(parameters),
    })
  }
}
