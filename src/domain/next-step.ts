import type { WireError } from '../protocol/errors.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { Client } from './client.ts'
import type { Consent } from './consent.ts'
import type { AuthorizationRequest, Interaction } from './interaction.ts'
import { missingContext } from './needed-context.ts'
import { coversRequest } from './remembers-consent.ts'
import type { Session } from './session.ts'
import type { Role, User } from './user.ts'

export type SignedIn = { readonly sessionId: string; readonly session: Session; readonly user: User }

export type Step =
  | { readonly step: 'sign-in'; readonly reason: 'no_session' | 'prompt' | 'max_age' | 'other_subject' }
  /** Somebody is signed in, or there would be nobody to choose, to agree or to issue for. */
  | { readonly step: 'choose-account' | 'second-factor' | 'consent' | 'issue'; readonly signedIn: SignedIn }
  | {
      readonly step: 'refuse'
      readonly error: WireError
      readonly reason:
        'login_required' | 'consent_required' | 'account_selection_required' | 'interaction_required' | 'acr_unmet'
    }

export type StepInput = {
  readonly request: AuthorizationRequest
  readonly client: Client
  /** A session that was checked to be alive. */
  readonly signedIn: SignedIn | undefined
  readonly consent: Consent | undefined
  /** What has happened for this very request so far. */
  readonly progress: Pick<Interaction, 'createdAt' | 'sessionId' | 'authenticatedAt'> | undefined
  readonly now: EpochSeconds
  /** Roles that have to have a second factor. */
  readonly secondFactorRoles: readonly Role[]
}

/**
 * What an authorization request needs next (OIDC Core §3.1.2.1, §3.1.2.3, §3.1.2.4). The only place that decides it:
 * the first request, the return from sign-in and the answer to consent all come through here.
 */
export function nextStep(input: StepInput): Step {
  const { request, client, signedIn, progress } = input
  const silent = request.prompt.includes('none')

  const reason = signInReason(input)
  if (reason !== undefined || signedIn === undefined) {
    if (silent) return { step: 'refuse', error: 'login_required', reason: 'login_required' }
    return { step: 'sign-in', reason: reason ?? 'no_session' }
  }
  const chosen = progress?.sessionId === signedIn.sessionId
  if (request.prompt.includes('select_account') && !chosen) return { step: 'choose-account', signedIn }

  const { session, user } = signedIn
  const missing = missingContext(session, { request, client, user, roles: input.secondFactorRoles })
  if (missing !== undefined && silent) return { step: 'refuse', error: 'login_required', reason: 'acr_unmet' }
  // OIDC Core §5.5.1.1: an essential acr that can't be met is a failed authentication.
  if (missing === 'impossible')
    return { step: 'refuse', error: 'unmet_authentication_requirements', reason: 'acr_unmet' }
  if (missing !== undefined) return { step: 'second-factor', signedIn }
  const agreed = coversRequest(input.consent, { user, client, request })
  if (!agreed || request.prompt.includes('consent')) {
    if (silent) return { step: 'refuse', error: 'consent_required', reason: 'consent_required' }
    return { step: 'consent', signedIn }
  }
  return { step: 'issue', signedIn }
}

function signInReason({
  request,
  signedIn,
  progress,
  now,
}: StepInput): 'no_session' | 'prompt' | 'max_age' | 'other_subject' | undefined {
  if (signedIn === undefined) return 'no_session'
  if (request.subject !== undefined && request.subject !== signedIn.user.userId) return 'other_subject'
  const provedForThis =
    progress?.authenticatedAt !== undefined &&
    progress.sessionId === signedIn.sessionId &&
    signedIn.session.untold !== true &&
    signedIn.session.authTime >= progress.createdAt
  if (provedForThis) return undefined
  if (request.prompt.includes('login')) return 'prompt'
  if (request.maxAge === undefined) return undefined
  // RFC 9470 §5: what can't be told can't be recent.
  if (signedIn.session.untold === true || now - signedIn.session.authTime > request.maxAge) return 'max_age'
  if (request.maxAge === 0) return 'max_age'
  return undefined
}
