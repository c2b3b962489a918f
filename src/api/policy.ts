import type { Role } from '../domain/user.ts'

/**
 * Which calls need a recent sign-in of the person who makes them: none, all, or those whose body names one of
 * these fields. A client that acts for itself never signed in; it proved itself for the token.
 */
export type RecentSignIn = 'never' | 'always' | readonly string[]

/** Who may make a call. The pipeline enforces it before anything of the request is read; the document says it. */
export type Policy =
  /** Everybody, with or without a token. What it does counts for itself what it costs. */
  | { readonly who: 'anybody' }
  /** Whoever has a live token for this server, person or client, whatever its scope. */
  | { readonly who: 'bearer' }
  /** The person whose token it is, about himself. */
  | { readonly who: 'oneself'; readonly scopes: readonly string[]; readonly recentSignIn: RecentSignIn }
  /** The person whose token it is, or a client that acts for itself with one of `clientScopes`, about what is his. */
  | { readonly who: 'owner'; readonly scopes: readonly string[]; readonly clientScopes: readonly string[] }
  /** Whoever holds one narrow power, whatever his role: a program that does one thing for us. */
  | { readonly who: 'holder'; readonly scopes: readonly string[] }
  /** A client that signs the very call with its own key, and holds one narrow power. */
  | { readonly who: 'signer'; readonly scope: string }
  /** A person of this role or a higher one, or (as far as an `admin` reaches) a client that acts for itself. One of the scopes is enough. */
  | {
      readonly who: 'administrator'
      readonly scopes: readonly string[]
      readonly role: Exclude<Role, 'editor'>
      readonly recentSignIn: RecentSignIn
    }

export const provisioner = { who: 'holder', scopes: ['accounts:provision'] } as const satisfies Policy
export const leakReporter = { who: 'signer', scope: 'leaks:report' } as const satisfies Policy
export const anybody = { who: 'anybody' } as const satisfies Policy
export const bearer = { who: 'bearer' } as const satisfies Policy
export const connectionOwner = { who: 'owner', scopes: ['me'], clientScopes: ['vault'] } as const satisfies Policy
export const oneself = { who: 'oneself', scopes: ['me'], recentSignIn: 'never' } as const satisfies Policy
export const oneselfJustNow = { ...oneself, recentSignIn: 'always' } as const satisfies Policy
export const reader = {
  who: 'administrator',
  scopes: ['admin', 'admin:read'],
  role: 'admin',
  recentSignIn: 'never',
} as const satisfies Policy
export const administrator = {
  who: 'administrator',
  scopes: ['admin'],
  role: 'admin',
  recentSignIn: 'never',
} as const satisfies Policy
export const administratorJustNow = { ...administrator, recentSignIn: 'always' } as const satisfies Policy
export const superuser = { ...administrator, role: 'superuser' } as const satisfies Policy
