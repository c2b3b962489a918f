import type { Session } from './session.ts'

/**
 * Authentication contexts that we know by name, weakest first: a password; two factors; one that can't be phished away (the
 * value of OpenID's EAP ACR profile), which takes a passkey.
 */
export const authenticationContexts = ['pwd', 'mfa', 'phr'] as const
export type AuthenticationContext = (typeof authenticationContexts)[number]

type SignIn = Pick<Session, 'acr' | 'amr'>

/** Whether a sign-in is one of this context. RFC 8176 §2: `mfa` says that there were several factors, `hwk` and `swk` that a key signed. */
export function meetsContext(context: string, { acr, amr }: SignIn): boolean {
  if (context === acr) return true
  switch (context) {
    case 'pwd':
      return amr.includes('pwd')
    case 'mfa':
      return amr.includes('mfa')
    case 'phr':
      return amr.includes('hwk') || amr.includes('swk')
    default:
      return false
  }
}

/** What a sign-in becomes by a further proof. When it happened stays: it is as old as its oldest part. */
export function strengthen(signIn: SignIn, methods: readonly string[]): SignIn {
  return { acr: 'mfa', amr: [...new Set([...signIn.amr, ...methods, 'mfa'])] }
}
