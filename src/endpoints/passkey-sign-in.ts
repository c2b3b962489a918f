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
import { showSignIn } from './show-sign-in.ts'

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
    if (isRefusal(proof)) {
      if (proof.reason !== 'user_locked') return refusalPage(core, http, { endpoint: 'passkey', refusal: proof })
      core.observer.refused('passkey', proof, { address: http.peer.address })
      return showSignIn(core, http, {
        waiting: pending,
        signedIn: previous,
        next: destinationOf(parameters),
        problem: { kind: 'locked' },
      })
    }
    const { user, amr } = proof
    return completeSignIn(core, http, {
      proof: { user, persistent: parameters.get('remember') !== undefined, amr, acr: 'mfa', previous },
      pending,
      next: destinationOf(parameters),
    })
  }
}
