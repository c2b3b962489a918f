import type { OAuthProvider } from '../../src/config/provider.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGitHub, type GitHub } from '../emulators/github.ts'
import { startGitLab } from '../emulators/gitlab.ts'
import { startGoogle, startOpenId, startOrcid, type OpenId } from '../emulators/openid.ts'
import { startWikimedia, type Wikimedia } from '../emulators/wikimedia.ts'
import { readOAuthProvider } from './house.ts'

export type Providers = {
  readonly etsy: Etsy
  readonly github: GitHub
  /** An OpenID provider without oddities. */
  readonly plain: OpenId
  readonly google: OpenId
  readonly orcid: OpenId
  readonly gitlab: OpenId
  readonly wikimedia: Wikimedia
  /** The entry of each, by its preset where it has one. */
  readonly entries: Readonly<
    Record<'etsy' | 'github' | 'plain' | 'google' | 'orcid' | 'gitlab' | 'wikimedia', OAuthProvider>
  >
  readonly close: () => Promise<unknown>
}

/** Every emulator, with the entry that an operator would write for it. */
export async function startProviders(): Promise<Providers> {
  const [etsy, github, plain, google, orcid, gitlab, wikimedia] = await Promise.all([
    startEtsy(),
    startGitHub(),
    startOpenId({ promisesIss: true, refresh: 'rotating' }),
    startGoogle(),
    startOrcid(),
    startGitLab(),
    startWikimedia(),
  ])
  const openid = (name: string, preset: string, { issuer, clientId, clientSecret }: OpenId) =>
    readOAuthProvider({ name, preset, issuer, client_id: clientId, client_secret: { env: 'S' } }, { S: clientSecret })
  return {
    etsy,
    github,
    plain,
    google,
    orcid,
    gitlab,
    wikimedia,
    entries: {
      etsy: readOAuthProvider(
        {
          name: 'etsy',
          preset: 'etsy',
          client_id: etsy.keystring,
          shared_secret: { env: 'S' },
          authorization_endpoint: `${etsy.url}/oauth/connect`,
          token_endpoint: `${etsy.url}/v3/public/oauth/token`,
          api_base: etsy.url,
          callback_path: '/etsy',
          sign_in: 'create',
        },
        { S: etsy.sharedSecret },
      ),
      github: readOAuthProvider(
        {
          name: 'github',
          preset: 'github',
          client_id: github.clientId,
          client_secret: { env: 'S' },
          authorization_endpoint: `${github.url}/login/oauth/authorize`,
          token_endpoint: `${github.url}/login/oauth/access_token`,
          userinfo_endpoint: `${github.url}/user`,
          emails_endpoint: `${github.url}/user/emails`,
        },
        { S: github.clientSecret },
      ),
      plain: openid('plain', 'oidc', plain),
      google: openid('google', 'google', google),
      orcid: openid('orcid', 'orcid', orcid),
      gitlab: openid('gitlab', 'gitlab', gitlab),
      wikimedia: readOAuthProvider(
        {
          name: 'wikimedia',
          preset: 'wikimedia',
          client_id: wikimedia.clientId,
          client_secret: { env: 'S' },
          ...wikimediaEndpoints(wikimedia),
        },
        { S: wikimedia.clientSecret },
      ),
    },
    close: () => Promise.all([etsy, github, plain, google, orcid, gitlab, wikimedia].map((one) => one.close())),
  }
}

export function wikimediaEndpoints({ url }: Wikimedia) {
  const rest = `${url}/w/rest.php/oauth2`
  return {
    authorization_endpoint: `${rest}/authorize`,
    token_endpoint: `${rest}/access_token`,
    userinfo_endpoint: `${rest}/resource/profile`,
  }
}
