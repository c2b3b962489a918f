import { createHmac } from 'node:crypto'
import { startEmulator, type Asked, type Emulator, type Reply } from './emulator.ts'

export type SiteAccount = { readonly password: string; readonly userId: string; readonly locked?: boolean }

export type Site = Emulator & {
  readonly accounts: Map<string, SiteAccount>
  /** What its login takes, and nothing else; potber-api JSON. */
  takes: 'json' | 'form'
  /** How it says no: by the status, as potber-api does, or under 200 in its answer. */
  tellsBy: 'status' | 'answer'
  /** Answers nothing but this. */
  broken: Reply | undefined
  /** What happens while whoever asked waits for the answer. */
  meanwhile: (() => Promise<unknown>) | undefined
}

/** A forum's login API in the manner of potber-api: `/auth/login` gives a token with the forum's cookie in clear inside, `/auth/session` says whose. */
export async function startSite(): Promise<Site> {
  const accounts = new Map<string, SiteAccount>()
  const emulator = await startEmulator(async (asked): Promise<Reply> => {
    await site.meanwhile?.()
    if (site.broken !== undefined) return site.broken
    if (asked.path === '/auth/login' && asked.method === 'POST') return login(asked)
    if (asked.path === '/auth/session') return session(asked)
    return { status: 404, json: { statusCode: 404, message: 'Cannot GET' } }
  })

  function login({ body, form, headers }: Asked): Reply {
    const type = site.takes === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'
    if (headers['content-type'] !== type) return { status: 400, json: { message: 'Bad Request' } }
    const given: Record<string, unknown> =
      site.takes === 'json'
        ? (JSON.parse(body) as Record<string, unknown>)
        : { ...Object.fromEntries(form), lifetime: Number(form.get('lifetime') ?? 'none') }
    const { username, password, lifetime } = given
    if (typeof username !== 'string' || typeof password !== 'string' || !Number.isInteger(lifetime))
      return { status: 400, json: { message: 'Bad Request' } }
    const account = accounts.get(username)
    if (account?.password !== password)
      return site.tellsBy === 'answer'
        ? said('LOGIN_WRONG')
        : { status: 401, json: { statusCode: 401, message: 'Login failed (possibly due to wrong credentials).' } }
    if (account.locked === true)
      return site.tellsBy === 'answer'
        ? said('LOGIN_LOCKED')
        : { status: 403, json: { statusCode: 403, message: 'Account permanently locked.' } }
    const iat = Math.floor(Date.now() / 1000)
    const claims = {
      userId: account.userId,
      username,
      avatarUrl: '',
      cookie: `forum-cookie-of-${username}`,
      iat,
      exp: iat + Number(lifetime),
    }
    return { json: { access_token: jwt(claims) } }
  }

  function session({ headers }: Asked): Reply {
    const token = (headers.authorization ?? '').replace(/^Bearer /, '')
    const [, payload = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}') as Record<string, unknown>
    return token === jwt(claims)
      ? { json: claims }
      : { status: 401, json: { statusCode: 401, message: 'Unauthorized' } }
  }

  const atFirst: Pick<Site, 'accounts' | 'takes' | 'tellsBy' | 'broken' | 'meanwhile'> = {
    accounts,
    takes: 'json',
    tellsBy: 'status',
    broken: undefined,
    meanwhile: undefined,
  }
  const site: Site = Object.assign(emulator, atFirst)
  return site
}

const said = (code: string): Reply => ({ json: { success: false, error: { code } } })

function jwt(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', 'the static secret').update(signed).digest('base64url')}`
}
