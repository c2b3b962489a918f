import { startOpenId, type OpenId } from './openid.ts'

/** A GitLab of one's own below a path: numeric ids as text, names in userinfo alone, refresh tokens without asking and a new one each time, keys and metadata below the path. */
export async function startGitLab({ isPublic = false }: { readonly isPublic?: boolean } = {}): Promise<OpenId> {
  const gitlab = await startOpenId({
    root: '/gitlab',
    authMethod: isPublic ? 'none' : 'client_secret_post',
    refresh: 'always',
    scopes: ['api', 'read_user', 'openid', 'profile', 'email'],
    expiresIn: 7200,
    paths: {
      authorize: '/oauth/authorize',
      token: '/oauth/token',
      userinfo: '/oauth/userinfo',
      jwks: '/oauth/discovery/keys',
    },
  })
  gitlab.user = {
    sub: '42',
    sub_legacy: 'c2a4f6',
    nickname: 'ada',
    preferred_username: 'ada',
    name: 'Ada Lovelace',
    email: 'ada@example.org',
    email_verified: true,
    groups_direct: ['mathematics'],
  }
  return gitlab
}
