import { generateKeyPairSync, createSign, createHmac, type KeyObject } from 'node:crypto'
import { codeGrant } from './code-grant.ts'
import { fresh, startEmulator, type Asked, type Emulator, type Reply } from './emulator.ts'

type Claims = Record<string, unknown>

/** What is wrong with what it says. Each is looked at when it speaks. */
export type OpenIdFaults = {
  /** Changes the claims of the next ID tokens. */
  claims?: (claims: Claims) => Claims
  /** How ID tokens are signed. */
  signature?: 'none' | 'HS256 with the public key' | 'another key'
  noIdToken?: boolean
  /** It signs with a new key, and publishes that one alone. */
  rotated?: boolean
  /** What its keys' address answers. */
  keysReply?: Reply
  /** Of the callback. */
  responseIss?: 'missing' | 'another'
  /** Of the discovery document. */
  metadata?: (metadata: Claims) => Claims
  token?: (answer: Claims) => Claims
  /** What the token endpoint answers in place of everything. */
  tokenReply?: Reply
  userinfo?: Reply
}

export type OpenIdOptions = {
  readonly promisesIss?: boolean
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** Path that its issuer ends in, and all of its paths begin with. */
  readonly root?: string
  /** Paths as the provider has them. */
  readonly paths?: {
    readonly authorize: string
    readonly token: string
    readonly userinfo: string
    readonly jwks: string
  }
  /** Left out of the discovery document. */
  readonly hidesPkce?: boolean
  /** Keys in the JWKS lack `alg`. */
  readonly keysWithoutAlg?: boolean
  /** google: only with `access_type=offline`; rotating: with `offline_access`, a new one each time; always: without asking, a new one each time. */
  readonly refresh?: 'google' | 'rotating' | 'always'
  readonly scopes?: readonly string[]
  readonly expiresIn?: number
  readonly deviceEndpoint?: boolean
}

export type OpenId = Emulator & {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Who consents: claims of his ID token. */
  user: Claims & { sub: string }
  readonly faults: OpenIdFaults
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** An OpenID provider that does what the specification asks, except where it is told otherwise. */
export async function startOpenId(options: OpenIdOptions = {}): Promise<OpenId> {
  const clientId = 'gatehouse-at-provider'
  const clientSecret = 'a-secret-of-the-provider'
  const paths = options.paths ?? { authorize: '/authorize', token: '/token', userinfo: '/userinfo', jwks: '/jwks' }
  const codes = codeGrant<Claims & { sub: string }>()
  const access = new Map<string, Claims>()
  const refresh = new Map<string, Claims & { sub: string }>()

  const root = options.root ?? ''
  const emulator = await startEmulator((whole): Reply => {
    if (!whole.path.startsWith(`${root}/`)) return { status: 404, text: 'Not Found' }
    const asked = { ...whole, path: whole.path.slice(root.length) }
    if (asked.path === '/.well-known/openid-configuration') return { json: metadata() }
    if (asked.path === '/device/code' && options.deviceEndpoint === true) return { json: deviceAnswer }
    if (asked.path === paths.jwks) return provider.faults.keysReply ?? { json: { keys: [publicJwk()] } }
    if (asked.path === paths.authorize) return authorize(asked)
    if (asked.path === paths.token) return token(asked)
    if (asked.path === paths.userinfo) return userinfo(asked)
    return { status: 404, json: { error: 'not_found' } }
  })
  const issuer = emulator.url + root

  function metadata(): Claims {
    const document = {
      issuer,
      authorization_endpoint: issuer + paths.authorize,
      token_endpoint: issuer + paths.token,
      userinfo_endpoint: issuer + paths.userinfo,
      jwks_uri: issuer + paths.jwks,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: options.scopes ?? ['openid', 'profile', 'email', 'offline_access'],
      token_endpoint_auth_methods_supported: [options.authMethod ?? 'client_secret_basic'],
      ...(options.hidesPkce === true ? {} : { code_challenge_methods_supported: ['S256'] }),
      ...(options.promisesIss === true ? { authorization_response_iss_parameter_supported: true } : {}),
      ...(options.deviceEndpoint === true ? { device_authorization_endpoint: `${issuer}/device/code` } : {}),
    }
    return provider.faults.metadata?.(document) ?? document
  }

  function publicJwk(): Claims {
    const rotated = provider.faults.rotated === true
    const jwk = (rotated ? other.publicKey : publicKey).export({ format: 'jwk' })
    return {
      ...jwk,
      kid: rotated ? 'two' : 'one',
      use: 'sig',
      ...(options.keysWithoutAlg === true ? {} : { alg: 'RS256' }),
    }
  }

  function authorize({ query }: Asked): Reply {
    if (query.get('client_id') !== clientId || query.get('response_type') !== 'code')
      return { status: 400, text: 'invalid client or response type' }
    const said = provider.faults.responseIss
    const iss =
      said === 'another'
        ? 'https://attacker.example'
        : said === 'missing'
          ? undefined
          : options.promisesIss === true
            ? issuer
            : undefined
    return codes.answer(query, { ...provider.user }, { iss })
  }

  function token({ form, headers }: Asked): Reply {
    if (provider.faults.tokenReply !== undefined) return provider.faults.tokenReply
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
    const posted = form.get('client_id') === clientId && form.get('client_secret') === clientSecret
    const isPublic = options.authMethod === 'none'
    const proved = isPublic
      ? form.get('client_id') === clientId && !form.has('client_secret') && headers.authorization === undefined
      : options.authMethod === 'client_secret_post'
        ? posted && headers.authorization === undefined
        : decodedBasic(headers.authorization) === decodedBasic(basic)
    if (!proved) return { status: 401, headers: { 'www-authenticate': 'Basic' }, json: { error: 'invalid_client' } }
    if (form.get('grant_type') === 'refresh_token') return renew(form.get('refresh_token') ?? '')
    const code = codes.redeem(form)
    if (code?.sameRedirect !== true || !code.verified) return invalidGrant
    const asked = (code.query.get('scope') ?? '').split(' ')
    const offline =
      options.refresh === 'google'
        ? code.query.get('access_type') === 'offline'
        : options.refresh === 'always' || asked.includes('offline_access')
    return answer(code.user, {
      openid: asked.includes('openid'),
      nonce: code.query.get('nonce'),
      offline,
      scope: asked.join(' '),
    })
  }

  function renew(given: string): Reply {
    const user = refresh.get(given)
    if (user === undefined) return invalidGrant
    if (options.refresh === 'google')
      return answer(user, { openid: false, nonce: null, offline: false, scope: 'openid' })
    refresh.delete(given)
    return answer(user, { openid: true, nonce: null, offline: true, scope: 'openid' })
  }

  function answer(
    user: Claims & { sub: string },
    about: {
      readonly openid: boolean
      readonly nonce: string | null
      readonly offline: boolean
      readonly scope: string
    },
  ): Reply {
    const accessToken = fresh(24)
    access.set(accessToken, user)
    const refreshToken = about.offline ? fresh(24) : undefined
    if (refreshToken !== undefined) refresh.set(refreshToken, user)
    const now = Math.floor(Date.now() / 1000)
    const { email: _email, picture: _picture, preferred_username: _name, ...inToken } = user
    const claims: Claims = {
      iss: issuer,
      aud: clientId,
      ...inToken,
      iat: now,
      exp: now + 300,
      ...(about.nonce === null ? {} : { nonce: about.nonce }),
    }
    const idToken = sign(provider.faults.claims?.(claims) ?? claims, provider.faults)
    const body: Claims = {
      access_token: accessToken,
      token_type: 'bearer',
      expires_in: options.expiresIn ?? 3600,
      scope: about.scope,
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      ...(about.openid && provider.faults.noIdToken !== true ? { id_token: idToken } : {}),
    }
    return { json: provider.faults.token?.(body) ?? body }
  }

  function userinfo({ headers }: Asked): Reply {
    if (provider.faults.userinfo !== undefined) return provider.faults.userinfo
    const user = access.get((headers.authorization ?? '').replace(/^Bearer /, ''))
    return user === undefined ? { status: 401, json: { error: 'invalid_token' } } : { json: user }
  }

  const noFaults: OpenIdFaults = {}
  const provider: OpenId = Object.assign(emulator, {
    issuer,
    clientId,
    clientSecret,
    user: { sub: 'subject-1', name: 'Ada Lovelace', preferred_username: 'ada' },
    faults: noFaults,
  })
  return provider
}

/** As Google has always said it, before RFC 8628 called it `verification_uri`. */
const deviceAnswer = {
  device_code: 'a device code',
  user_code: 'GQVQ-JKEC',
  verification_url: 'https://www.google.com/device',
  expires_in: 1800,
  interval: 5,
}

const invalidGrant: Reply = { status: 400, json: { error: 'invalid_grant' } }

function decodedBasic(header: string | undefined): string {
  return decodeURIComponent(Buffer.from((header ?? '').replace(/^Basic /, ''), 'base64').toString('utf8'))
}

function sign(claims: Claims, { signature: how, rotated = false }: OpenIdFaults): string {
  const alg = how === 'none' ? 'none' : how === 'HS256 with the public key' ? 'HS256' : 'RS256'
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg, kid: rotated ? 'two' : 'one', typ: 'JWT' })}.${part(claims)}`
  if (how === 'none') return `${signed}.`
  if (how === 'HS256 with the public key') {
    const secret = publicKey.export({ type: 'spki', format: 'pem' })
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const key: KeyObject = how === 'another key' || rotated ? other.privateKey : privateKey
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`
}

/** ORCID: credentials in the body, `amr` as a text, keys without `alg`, only `openid` known, twenty years of life, userinfo that refuses. */
export async function startOrcid(): Promise<OpenId> {
  const orcid = await startOpenId({
    authMethod: 'client_secret_post',
    hidesPkce: true,
    keysWithoutAlg: true,
    scopes: ['openid'],
    expiresIn: 631_138_518,
    paths: { authorize: '/oauth/authorize', token: '/oauth/token', userinfo: '/oauth/userinfo', jwks: '/oauth/jwks' },
  })
  orcid.user = { sub: '0000-0002-1825-0097', given_name: 'Josiah', family_name: 'Carberry', amr: 'pwd' }
  orcid.faults.userinfo = { status: 403, json: { error: 'access_denied', 'error-description': 'not public' } }
  orcid.faults.token = (body) => ({ ...body, orcid: orcid.user.sub, name: null })
  return orcid
}

/** Google: an issuer without scheme in old tokens, a refresh token only with `access_type=offline` and never repeated, `email_verified` as text, `verification_url`. */
export async function startGoogle(): Promise<OpenId> {
  const google = await startOpenId({
    authMethod: 'client_secret_post',
    refresh: 'google',
    scopes: ['openid', 'email', 'profile'],
    deviceEndpoint: true,
    paths: { authorize: '/o/oauth2/v2/auth', token: '/token', userinfo: '/v1/userinfo', jwks: '/oauth2/v3/certs' },
  })
  google.user = {
    sub: '110169484474386276334',
    email: 'grace@example.org',
    email_verified: 'true',
    given_name: 'Grace',
    name: 'Grace Hopper',
  }
  return google
}
