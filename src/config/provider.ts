import type { Seconds } from '../protocol/time.ts'
import type { SecretValue } from './secret-value.ts'

/** Whether people may come in through a provider: not at all, with an account that is linked already, or as newcomers too. */
export type SignInPolicy = 'off' | 'existing' | 'create'

/** Newcomers where registration is open, else those alone who are linked. */
export const byRegistration = 'by-registration'

/** How one claim is repaired before anybody reads it. */
export type ClaimRepair = {
  /** Where it stands (RFC 6901); of several places the texts are joined. Absent: under its own name. */
  readonly at?: readonly string[]
  /** What stands there is a list: from its first entry that is so, this. */
  readonly find?: { readonly where: Readonly<Record<string, string | number | boolean>>; readonly take: string }
  /** What it is written as; what can't be is left out. */
  readonly as?: 'text' | 'boolean' | 'list'
}

/** What an answer in JSON holds at a place (RFC 6901) if it says something: any of these. */
export type SaidWhen = { readonly at: string; readonly is: readonly (string | number | boolean)[] }

type EveryProvider = {
  /** Its name in paths, buttons and commands. */
  readonly name: string
  /** What people read on its button. */
  readonly title: string
  /** Under which its identities are kept, together with the subject. Never changes while there are any. */
  readonly issuer: string
  readonly signIn: SignInPolicy | typeof byRegistration
  /** http and private addresses too: tests and intranets. */
  readonly allowInsecure: boolean
  /** What is repaired of what it says of people, by claim. */
  readonly claims: Readonly<Record<string, ClaimRepair>>
}

/** Where the stable id of a person comes from. */
export type SubjectSource =
  | { readonly from: 'id_token' }
  /** A member of what the userinfo endpoint answers. */
  | { readonly from: 'userinfo'; readonly claim: string }
  /** The digits before the dot of a token that came straight from the token endpoint. */
  | { readonly from: 'token_prefix' }
  /** It says nobody's: nobody signs in with it, and its connections name no account. */
  | { readonly from: 'nowhere' }

/** An OAuth 2 or OpenID provider, all of it data: nothing in the engine knows a provider by name. */
export type OAuthProvider = EveryProvider & {
  readonly kind: 'oidc' | 'oauth2'
  readonly clientId: string
  readonly clientSecret?: SecretValue
  /** A second secret, for API headers. */
  readonly sharedSecret?: SecretValue
  readonly tokenEndpointAuthMethod: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** What isn't said here is read from the issuer's discovery document; with all of them said, nothing is read. */
  readonly endpoints: {
    readonly authorization?: string
    readonly token?: string
    readonly userinfo?: string
    readonly revocation?: string
    readonly jwks?: string
    /** What it answers is the claim `emails`. */
    readonly emails?: string
  }
  /** Other spellings of the issuer in ID tokens. */
  readonly issuerAliases: readonly string[]
  readonly idTokenAlgorithm?: string
  /** Whether its callbacks carry `iss` (RFC 9207), whatever its metadata say. */
  readonly responseIss: boolean
  readonly pkce: 'required' | 'send' | 'off'
  /** What signing in asks for. */
  readonly scope: readonly string[]
  /** What a connection asks for that names no scope. */
  readonly connectScope: readonly string[]
  /** Between the scopes of its answers. */
  readonly scopeSeparator: string
  /** Between those that it is asked for. */
  readonly requestScopeSeparator: string
  readonly authorizeParameters: Readonly<Record<string, string>>
  /** Added where a refresh token is wanted. */
  readonly offlineParameters: Readonly<Record<string, string>>
  /** Sent with every token request. `{client_id}` and `{shared_secret}` are filled in. */
  readonly tokenHeaders: Readonly<Record<string, string>>
  /** `form`: answers may be form-encoded. */
  readonly tokenResponse: 'json' | 'form'
  /** Errors may come with status 200. */
  readonly errorInSuccess: boolean
  readonly subject: SubjectSource
  /** What its ID tokens must say, each one of these; whoever's don't is let through nowhere. */
  readonly requiredClaims: Readonly<Record<string, readonly string[]>>
  /** `orcid`: sixteen digits with their checksum. */
  readonly subjectFormat?: 'orcid'
  /** Members of ID token or userinfo from which a user name may be suggested, best first. */
  readonly usernameClaims: readonly string[]
  readonly nameClaim: string
  /** rotating: each refresh makes a new refresh token; static: it stays; none: there are none. */
  readonly refresh: 'rotating' | 'static' | 'none'
  /** Its words, besides RFC 6749's `invalid_grant`, for a refresh token that is dead. */
  readonly refreshErrors: readonly string[]
  /** Where its answers don't say. */
  readonly expiresIn?: Seconds
  /** How long an unused refresh token lives. */
  readonly refreshTtl?: Seconds
  /** The only place that the proxy calls, without a slash at the end: every path brings one. */
  readonly apiBase?: string
  /** Sent with every call of its API. `{client_id}` and `{shared_secret}` are filled in. */
  readonly apiHeaders: Readonly<Record<string, string>>
  /** Below the base: what answers to those headers alone. */
  readonly apiProbe?: string
  /** Path of the callback, from the root. */
  readonly callbackPath: string
  readonly anonymous: boolean
}

/** A site whose only interface is a login API: our own page takes name and password to it. */
export type SiteLoginProvider = EveryProvider & {
  readonly kind: 'site-login'
  readonly loginEndpoint: string
  readonly sessionEndpoint?: string
  readonly request: 'json' | 'form'
  readonly fields: { readonly username: string; readonly password: string; readonly sessionLength?: string }
  /** Seconds that a person may choose from; the first is chosen at first. Empty: no choice. */
  readonly sessionLengths: readonly Seconds[]
  /** Member of the answer that holds the site's own credential. */
  readonly tokenField: string
  /** Members of the session endpoint's answer (of the login's, where there is none). */
  readonly subjectClaim: string
  readonly usernameClaim: string
  readonly wrongStatuses: readonly number[]
  readonly lockedStatuses: readonly number[]
  /** What the login's answer says of a wrong password, or of a locked account, whatever its status. */
  readonly wrongWhen?: SaidWhen
  readonly lockedWhen?: SaidWhen
  /** Clients that may fetch the site's credential through token exchange. */
  readonly credentialClients: readonly string[]
}

export type Provider = OAuthProvider | SiteLoginProvider

/** Whether people may come in through it under the users' policy of now. */
export function signInPolicy(
  { signIn }: Pick<Provider, 'signIn'>,
  { registration }: { readonly registration: string },
): SignInPolicy {
  if (signIn !== byRegistration) return signIn
  return registration === 'open' ? 'create' : 'existing'
}
