import type { ClaimsRequest } from '../protocol/claims.ts'
import type { Prompt } from '../protocol/prompt.ts'
import type { ResponseMode, ResponseType } from '../protocol/response-mode.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'

/** An authorization request that passed every check that needs no person. */
export type AuthorizationRequest = {
  readonly clientId: string
  readonly redirectUri: string
  readonly responseType: ResponseType
  readonly responseMode: ResponseMode
  readonly scope: readonly string[]
  readonly resources: readonly string[]
  readonly state?: string
  readonly nonce?: string
  /** S256, 43 characters. Absent only with `response_type=token`. */
  readonly codeChallenge?: string
  readonly prompt: readonly Prompt[]
  readonly maxAge?: Seconds
  readonly loginHint?: string
  readonly uiLocales: readonly string[]
  readonly claims?: ClaimsRequest
  /** `acr_values`, those that we know, in order of preference. */
  readonly acrValues?: readonly string[]
  /** Subject that `id_token_hint` or `claims.id_token.sub` asks for. */
  readonly subject?: string
}

/** An authorization request waiting for its person, bound to one browser. */
export type Interaction = {
  readonly v: 1
  readonly request: AuthorizationRequest
  /** SHA-256 of the browser cookie. Absent only between a POST and the GET that follows it. */
  readonly browserHash?: string
  readonly createdAt: EpochSeconds
  /** The session that signed in, or was chosen by "continue as", for this request. */
  readonly sessionId?: string
  /** When the person last proved himself for this request. */
  readonly authenticatedAt?: EpochSeconds
}
