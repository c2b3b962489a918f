import type { Session } from './session.ts'

/** Authentication contexts that we know by name, weakest first: a password; two factors. */
export const authenticationContexts = ['pwd', 'mfa'] as const

type SignIn = Pick<Session, 'acr' | 'amr'>

/** Whether a sign-in is one of this context. RFC 8176 §2: `mfa` says that there were several factors. */
export function meetsContext(context: string, { acr, amr }: SignIn): boolean {
  if (context === acr) return true
  switch (context) {
    case 'pwd':
      return amr.includes('pwd')
    case 'mfa':
      return amr.includes('mfa')
    default:
      return false
  }
}

/** What a sign-in becomes by a further proof. When it happened stays: it is as old as its oldest part. */
export function strengthen(signIn: SignIn, methods: readonly string[]): SignIn {
  return { acr: 'mfa', amr: [...new Set([...signIn.amr, ...methods, 'mfa'])] }
}
