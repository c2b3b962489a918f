import { backTo, consentPage, fresh, redirectTo, s256, type Reply } from './emulator.ts'

/** What somebody agreed to. */
export type Agreed<User> = { readonly query: URLSearchParams; readonly user: User }

export type Redeemed<User> = Agreed<User> & {
  /** Whether the token request says the same `redirect_uri`, and the right verifier where there was a challenge. */
  readonly sameRedirect: boolean
  readonly verified: boolean
}

/** The part that every provider of codes has: a page that asks, a code for who says yes, and its one use. */
export function codeGrant<User>() {
  const codes = new Map<string, Agreed<User>>()
  return {
    /** The page; or the way back from it, with the code or `denial`, and what else the provider says. */
    answer(
      query: URLSearchParams,
      user: User,
      {
        bytes,
        denial,
        iss,
      }: {
        readonly bytes?: number
        readonly denial?: Readonly<Record<string, string>>
        readonly iss?: string | undefined
      } = {},
    ): Reply {
      const redirectUri = query.get('redirect_uri') ?? ''
      const decision = query.get('decision')
      if (decision === null) return consentPage(query)
      const common = { state: query.get('state') ?? undefined, iss }
      if (decision === 'deny') return redirectTo(backTo(redirectUri, { error: 'access_denied', ...denial, ...common }))
      const code = fresh(bytes)
      codes.set(code, { query, user })
      return redirectTo(backTo(redirectUri, { code, ...common }))
    },
    /** What a code stands for, which is used up by asking. */
    redeem(form: URLSearchParams): Redeemed<User> | undefined {
      const code = form.get('code') ?? ''
      const agreed = codes.get(code)
      codes.delete(code)
      if (agreed === undefined) return undefined
      const challenge = agreed.query.get('code_challenge')
      return {
        ...agreed,
        sameRedirect: agreed.query.get('redirect_uri') === form.get('redirect_uri'),
        verified: challenge === null || challenge === s256(form.get('code_verifier') ?? ''),
      }
    },
  }
}
