import { codeGrant } from './code-grant.ts'
import { fresh, startEmulator, type Asked, type Emulator, type Reply } from './emulator.ts'

export type EtsyFault =
  | '500'
  | '500 after rotation'
  | 'hang up after rotation'
  | 'not json'
  | 'slow'
  | 'hang'
  | Reply
  | ((asked: Asked) => Reply)

export type Etsy = Emulator & {
  /** What the next token request suffers, once each. */
  readonly faults: EtsyFault[]
  /** Who consents. */
  userId: string
  /** As after a change of password: every token is dead. */
  readonly revokeAll: () => void
  readonly refreshes: () => number
  readonly keystring: string
  readonly sharedSecret: string
  /** In seconds; what `expires_in` says. */
  expiresIn: number
  /** Whether a refresh token that was used works once more: a grace that some providers give. */
  grace: boolean
  /** Called when a refresh token was used up, before the answer leaves. */
  onRotated: () => void
  /** Whether no newer refresh token was made of this one. */
  readonly isNewest: (refreshToken: string) => boolean
  /** Refresh tokens that work. */
  readonly liveRefreshTokens: () => readonly string[]
}

/** Etsy Open API v3: PKCE always, a bare keystring at the token endpoint, tokens that begin with the user's number, refresh tokens that die on use. */
export async function startEtsy({ registered }: { readonly registered?: readonly string[] } = {}): Promise<Etsy> {
  const keystring = 'k3y5tr1ngk3y5tr1ngk3y5tr'
  const sharedSecret = 'sh4r3d53cr'
  const codes = codeGrant<string>()
  const access = new Set<string>()
  const refresh = new Map<string, string>()
  const known = new Set<string>()
  const used = new Set<string>()
  let refreshed = 0

  const emulator = await startEmulator(async (asked): Promise<Reply> => {
    if (asked.path === '/oauth/connect') return authorize(asked)
    if (asked.path === '/v3/public/oauth/token' && asked.method === 'POST') return token(asked)
    if (asked.path.startsWith('/v3/application/')) return api(asked)
    return { status: 404, json: { error: 'Resource not found' } }
  })

  function authorize({ query }: Asked): Reply {
    const challenge = query.get('code_challenge') ?? ''
    const isWrong =
      query.get('response_type') !== 'code' ||
      query.get('client_id') !== keystring ||
      query.get('code_challenge_method') !== 'S256' ||
      !/^[\w-]{43}$/.test(challenge) ||
      (query.get('state') ?? '') === '' ||
      (registered !== undefined && !registered.includes(query.get('redirect_uri') ?? ''))
    // A mistake is shown here and redirects nowhere.
    if (isWrong) return { status: 400, text: 'The application that is requesting access is misconfigured' }
    return codes.answer(query, etsy.userId, { denial: { error_description: 'The user denied consent' } })
  }

  async function token(asked: Asked): Promise<Reply> {
    const { form, headers } = asked
    const fault = etsy.faults.shift()
    if (typeof fault === 'function') return fault(asked)
    if (typeof fault === 'object') return fault
    if (fault === '500') return { status: 500, json: { error: 'Server Error' } }
    if (fault === 'not json') return { text: '<html>We will be back soon</html>' }
    if (fault === 'hang') return new Promise<never>(() => undefined)
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, 300))
    if (form.get('client_id') !== keystring || headers.authorization !== undefined || form.has('client_secret'))
      return { status: 401, json: { error: 'invalid_client', error_description: 'unknown keystring' } }
    if (form.get('grant_type') === 'authorization_code') {
      const code = codes.redeem(form)
      const fits = code?.sameRedirect === true && code.verified
      return fits ? issue(code.user, code.query.get('scope') ?? '') : invalidGrant('code is invalid')
    }
    if (form.get('grant_type') !== 'refresh_token') return { status: 400, json: { error: 'unsupported_grant_type' } }
    refreshed += 1
    const given = form.get('refresh_token') ?? ''
    const scope = refresh.get(given)
    if (scope === undefined)
      return invalidGrant(known.has(given) ? 'refresh_token is revoked' : 'refresh_token is invalid')
    if (!etsy.grace) refresh.delete(given)
    used.add(given)
    etsy.onRotated()
    const reply = issue(given.split('.')[0] ?? '', scope)
    if (fault === '500 after rotation') return { status: 500, json: { error: 'Server Error' } }
    return fault === 'hang up after rotation' ? { hangUp: true } : reply
  }

  function issue(userId: string, scope: string): Reply {
    const accessToken = `${userId}.${fresh(24)}`
    const refreshToken = `${userId}.${fresh(24)}`
    access.add(accessToken)
    refresh.set(refreshToken, scope)
    known.add(refreshToken)
    const { expiresIn } = etsy
    return {
      json: { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn, refresh_token: refreshToken },
    }
  }

  function api({ path, headers, method }: Asked): Reply {
    const key = headers['x-api-key']
    if (key === keystring) return { status: 403, json: { error: 'Shared secret is required in x-api-key header.' } }
    if (key !== `${keystring}:${sharedSecret}`) return { status: 403, json: { error: 'Invalid API key' } }
    if (path === '/v3/application/openapi-ping') return { json: { application_id: 1 } }
    const bearer = (headers.authorization ?? '').replace(/^Bearer /, '')
    if (!access.has(bearer))
      return { status: 401, json: { error: 'invalid_token', error_description: 'access token is expired' } }
    if (path === '/v3/application/users/me') return { json: { user_id: Number(bearer.split('.')[0]), shop_id: 77 } }
    return { json: { path, method } }
  }

  const etsy: Etsy = Object.assign(emulator, {
    faults: [] as EtsyFault[],
    userId: '123456789',
    revokeAll: () => {
      access.clear()
      refresh.clear()
    },
    refreshes: () => refreshed,
    keystring,
    sharedSecret,
    expiresIn: 3600,
    grace: false,
    onRotated: () => undefined,
    isNewest: (refreshToken: string) => refresh.has(refreshToken) && !used.has(refreshToken),
    liveRefreshTokens: () => [...refresh.keys()],
  })
  return etsy
}

const invalidGrant = (error_description: string): Reply => ({
  status: 400,
  json: { error: 'invalid_grant', error_description },
})
