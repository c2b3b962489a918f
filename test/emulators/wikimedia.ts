import { codeGrant } from './code-grant.ts'
import { fresh, startEmulator, type Asked, type Emulator, type Reply } from './emulator.ts'

export type WikimediaUser = {
  /** The central id, which never changes; the name may. */
  readonly sub: number | string
  readonly username: string
  readonly realname?: string
  readonly email?: string
}

export type Wikimedia = Emulator & {
  /** Who consents. */
  user: WikimediaUser
  readonly clientId: string
  readonly clientSecret: string
  /** A client that is registered as not confidential. */
  readonly publicClientId: string
}

const rest = '/w/rest.php/oauth2'

/** Wikimedia's OAuth 2: no discovery, no ID token, a profile with a numeric central id, JWTs of four hours, rotating refresh tokens, a User-Agent that says whom to write to. */
export async function startWikimedia(): Promise<Wikimedia> {
  const clientId = 'c0ffee00c0ffee00c0ffee00c0ffee00'
  const clientSecret = 'a-secret-of-the-consumer'
  const publicClientId = 'decaf000decaf000decaf000decaf000'
  const codes = codeGrant<WikimediaUser>()
  const access = new Map<string, WikimediaUser>()
  const refresh = new Map<string, { readonly client: string; readonly user: WikimediaUser }>()

  const emulator = await startEmulator((asked): Reply => {
    if (
      !/^\S+ \(.*(?:https?:\/\/|@).*\)$/.test(asked.headers['user-agent'] ?? '') &&
      asked.path !== `${rest}/authorize`
    )
      return { status: 403, text: 'Please set a user-agent and respect our robot policy' }
    if (asked.path === `${rest}/authorize`) return authorize(asked)
    if (asked.path === `${rest}/access_token` && asked.method === 'POST') return token(asked)
    if (asked.path === `${rest}/resource/profile`) return profile(asked)
    return {
      status: 404,
      json: { messageTranslations: { en: 'The requested relative path did not match any known handler' } },
    }
  })

  function authorize({ query }: Asked): Reply {
    const isPublic = query.get('client_id') === publicClientId
    if (!isPublic && query.get('client_id') !== clientId) return { status: 400, text: 'E006 invalid consumer' }
    if (!isPublic || query.get('code_challenge_method') === 'S256')
      return codes.answer(query, wikimedia.user, { bytes: 40 })
    query.set('decision', 'deny')
    const denial = { error: 'invalid_request', hint: 'Code challenge must be provided' }
    return codes.answer(query, wikimedia.user, { denial })
  }

  function token({ form, headers }: Asked): Reply {
    const client = form.get('client_id') ?? ''
    const proved = client === publicClientId || (client === clientId && form.get('client_secret') === clientSecret)
    if (!proved || headers.authorization !== undefined)
      return { status: 401, json: { error: 'invalid_client', message: 'Client authentication failed' } }
    if (form.get('grant_type') === 'refresh_token') {
      const held = refresh.get(form.get('refresh_token') ?? '')
      refresh.delete(form.get('refresh_token') ?? '')
      return held?.client === client ? issue(held.user, client) : dead
    }
    const code = codes.redeem(form)
    const fits = code?.query.get('client_id') === client && code.sameRedirect && code.verified
    return fits ? issue(code.user, client) : revoked
  }

  function issue(user: WikimediaUser, client: string): Reply {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const accessToken = `${part({ typ: 'JWT', alg: 'RS256' })}.${part({ sub: String(user.sub), jti: fresh() })}.${fresh(64)}`
    const refreshToken = `def50200${fresh(200)}`
    access.set(accessToken, user)
    refresh.set(refreshToken, { client, user })
    return {
      json: { token_type: 'Bearer', expires_in: 14_400, access_token: accessToken, refresh_token: refreshToken },
    }
  }

  function profile({ headers }: Asked): Reply {
    const user = access.get((headers.authorization ?? '').replace(/^Bearer /, ''))
    if (user === undefined)
      return { status: 401, json: { error: 'access_denied', hint: 'Access token could not be verified' } }
    return {
      json: {
        editcount: 4,
        confirmed_email: true,
        blocked: false,
        groups: ['*', 'user'],
        grants: ['mwoauth-authonly'],
        ...user,
      },
    }
  }

  const user: WikimediaUser = { sub: 61_224_377, username: 'Ada Lovelace (WMXX)' }
  const wikimedia: Wikimedia = Object.assign(emulator, { user, clientId, clientSecret, publicClientId })
  return wikimedia
}

const revoked: Reply = { status: 400, json: { error: 'invalid_grant', message: 'Authorization code has been revoked' } }
// As league/oauth2-server says it up to version 8.
const dead: Reply = { status: 401, json: { error: 'invalid_request', message: 'The refresh token is invalid.' } }
