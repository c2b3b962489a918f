import { codeGrant } from './code-grant.ts'
import { fresh, startEmulator, type Asked, type Emulator, type Reply } from './emulator.ts'

export type GitHubUser = {
  readonly id: number
  readonly login: string
  readonly name: string | null
  readonly emails: readonly { readonly email: string; readonly primary: boolean; readonly verified: boolean }[]
}

export type GitHub = Emulator & {
  /** Who consents. */
  user: GitHubUser
  /** Form-encoded whatever `Accept` says, as old proxies of it are. */
  alwaysForm: boolean
  /** Gives no tokens to whoever has no verified primary address, as it does to newcomers. */
  wantsVerified: boolean
  readonly clientId: string
  readonly clientSecret: string
}

/** GitHub's OAuth: form-encoded unless asked for JSON, errors with status 200, numeric ids, a User-Agent demanded, tokens that never expire. */
export async function startGitHub(): Promise<GitHub> {
  const clientId = 'Iv1.c0ffee'
  const clientSecret = '0123456789abcdef0123456789abcdef01234567'
  const codes = codeGrant<GitHubUser>()
  const tokens = new Map<string, GitHubUser>()

  const emulator = await startEmulator((asked): Reply => {
    if (asked.path === '/login/oauth/authorize') return authorize(asked)
    if (asked.path === '/login/oauth/access_token') return token(asked)
    if (asked.path === '/user' || asked.path === '/user/emails') return api(asked)
    return { status: 404, json: { message: 'Not Found' } }
  })

  function authorize({ query }: Asked): Reply {
    if (query.get('client_id') !== clientId) return { status: 404, text: 'Not Found' }
    return codes.answer(query, github.user, { bytes: 10, denial: { error_uri: 'https://docs.github.com' } })
  }

  function token({ form, headers }: Asked): Reply {
    const inForm = github.alwaysForm || !(headers.accept ?? '').includes('application/json')
    const say = (body: Record<string, string>): Reply =>
      inForm
        ? {
            headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
            text: new URLSearchParams(body).toString(),
          }
        : { json: body }
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      return say({
        error: 'incorrect_client_credentials',
        error_description: 'The client_id and/or client_secret passed are incorrect.',
      })
    const code = codes.redeem(form)
    if (code?.verified !== true)
      return say({ error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' })
    if (!code.sameRedirect) return say({ error: 'redirect_uri_mismatch' })
    if (github.wantsVerified && !code.user.emails.some(({ primary, verified }) => primary && verified))
      return say({
        error: 'unverified_user_email',
        error_description: 'The user must have a verified primary email.',
      })
    const accessToken = `gho_${fresh(20)}`
    tokens.set(accessToken, code.user)
    return say({
      access_token: accessToken,
      scope: (code.query.get('scope') ?? '').replaceAll(' ', ','),
      token_type: 'bearer',
    })
  }

  function api({ path, headers }: Asked): Reply {
    if (headers['user-agent'] === undefined) return { status: 403, text: 'Request forbidden by administrative rules.' }
    const user = tokens.get((headers.authorization ?? '').replace(/^Bearer /, ''))
    if (user === undefined) return { status: 401, json: { message: 'Bad credentials' } }
    if (path === '/user/emails') return { json: user.emails }
    return { json: { login: user.login, id: user.id, name: user.name, email: null } }
  }

  const github: GitHub = Object.assign(emulator, {
    user: {
      id: 583_231,
      login: 'octocat',
      name: 'The Octocat',
      emails: [
        { email: 'old@example.org', primary: false, verified: true },
        { email: 'octo@example.org', primary: true, verified: true },
      ],
    },
    alwaysForm: false,
    wantsVerified: false,
    clientId,
    clientSecret,
  })
  return github
}
