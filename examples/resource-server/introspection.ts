import type { Guard } from './guard.ts'

/** Opaque tokens, asked about each time (RFC 7662): a token that was revoked a moment ago is dead here too. */
export function createIntrospection(options: {
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly audience: string
}): Guard {
  // RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
  const credentials = [options.clientId, options.clientSecret].map((text) => encodeURIComponent(text)).join(':')
  return async (token) => {
    const response = await fetch(options.endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(credentials)}` },
      body: new URLSearchParams({ token }),
      signal: AbortSignal.timeout(5_000),
    }).catch(() => undefined)
    if (response === undefined || !response.ok) return { unavailable: true }
    const told = (await response.json()) as Readonly<Record<string, unknown>>
    const { active, aud, sub, scope, username } = told
    if (active !== true || aud !== options.audience || typeof sub !== 'string') {
      return { invalid: 'The token is not valid here' }
    }
    return {
      subject: sub,
      name: typeof username === 'string' ? username : sub,
      scope: typeof scope === 'string' ? scope.split(' ') : [],
    }
  }
}
