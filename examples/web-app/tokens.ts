import * as openid from 'openid-client'

/** What the session keeps. The browser never sees any of it. */
export type Tokens = {
  readonly idToken: string
  readonly refreshToken: string
  readonly refreshedAt: number
  /** A token is for one API: the one that leaks opens no other. */
  readonly forResource: Readonly<Record<string, { readonly token: string; readonly expiresAt: number }>>
}

const marginMillis = 10_000

/**
 * An access token for one API: the one at hand, or a new one from the refresh token, which is replaced by its successor each time.
 * Two tabs that do it at once both succeed, since Gatehouse answers the same successor for ten seconds.
 */
export async function accessTokenFor(
  config: openid.Configuration,
  tokens: Tokens,
  resource: string,
): Promise<{ readonly token: string; readonly tokens: Tokens }> {
  const known = tokens.forResource[resource]
  if (known !== undefined && known.expiresAt - marginMillis > Date.now()) return { token: known.token, tokens }
  const answer = await openid.refreshTokenGrant(config, tokens.refreshToken, { resource })
  const expiresAt = Date.now() + (answer.expiresIn() ?? 0) * 1000
  return {
    token: answer.access_token,
    tokens: {
      idToken: answer.id_token ?? tokens.idToken,
      refreshToken: answer.refresh_token ?? tokens.refreshToken,
      refreshedAt: Date.now(),
      forResource: { ...tokens.forResource, [resource]: { token: answer.access_token, expiresAt } },
    },
  }
}
