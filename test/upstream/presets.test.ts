import { expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { presets } from '../../src/config/presets/presets.ts'
import { readProvider } from './house.ts'

// The presets as they stand, without anything that an emulator changes: what each provider documents, written down a second time, so
// that a slip of the pen in one place is seen.

const day = 86_400

const facts = {
  etsy: {
    issuer: 'https://www.etsy.com',
    endpoints: {
      authorization: 'https://www.etsy.com/oauth/connect',
      token: 'https://api.etsy.com/v3/public/oauth/token',
    },
    tokenEndpointAuthMethod: 'none',
    pkce: 'required',
    signIn: 'off',
    connectScope: ['listings_r', 'listings_w'],
    refresh: 'rotating',
    expiresIn: 3600,
    refreshTtl: 90 * day,
    apiBase: 'https://api.etsy.com',
  },
  github: {
    issuer: 'https://github.com',
    endpoints: {
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      userinfo: 'https://api.github.com/user',
      emails: 'https://api.github.com/user/emails',
    },
    tokenEndpointAuthMethod: 'client_secret_post',
    pkce: 'send',
    scope: ['read:user', 'user:email'],
    connectScope: ['read:user'],
    refresh: 'none',
    apiBase: 'https://api.github.com',
    apiHeaders: { accept: 'application/vnd.github+json' },
    claims: {
      id: { as: 'text' },
      email: { at: ['/emails'], find: { where: { primary: true }, take: '/email' } },
      email_verified: { at: ['/emails'], find: { where: { primary: true }, take: '/verified' } },
    },
  },
  google: {
    issuer: 'https://accounts.google.com',
    issuerAliases: ['accounts.google.com'],
    endpoints: {},
    idTokenAlgorithm: 'RS256',
    claims: { email_verified: { as: 'boolean' } },
    scope: ['openid', 'email', 'profile'],
    connectScope: ['openid'],
    offlineParameters: { access_type: 'offline', prompt: 'consent' },
    refresh: 'static',
    expiresIn: 3600,
  },
  orcid: {
    issuer: 'https://orcid.org',
    endpoints: {},
    idTokenAlgorithm: 'RS256',
    subjectFormat: 'orcid',
    claims: { amr: { as: 'list' } },
    scope: ['openid'],
    connectScope: ['openid'],
    refresh: 'static',
    expiresIn: 631_138_518,
    apiBase: 'https://pub.orcid.org',
  },
  gitlab: {
    issuer: 'https://gitlab.com',
    endpoints: {},
    pkce: 'required',
    scope: ['openid', 'profile', 'email'],
    connectScope: ['read_user'],
    refresh: 'rotating',
    expiresIn: 7200,
  },
  wikimedia: {
    issuer: 'https://meta.wikimedia.org',
    endpoints: {
      authorization: 'https://meta.wikimedia.org/w/rest.php/oauth2/authorize',
      token: 'https://meta.wikimedia.org/w/rest.php/oauth2/access_token',
      userinfo: 'https://meta.wikimedia.org/w/rest.php/oauth2/resource/profile',
    },
    subject: { from: 'userinfo', claim: 'sub' },
    claims: { sub: { as: 'text' } },
    scope: [],
    nameClaim: 'realname',
    refresh: 'rotating',
    expiresIn: 4 * 3600,
  },
} satisfies Readonly<Record<string, Partial<OAuthProvider>>>

const entry = (preset: string) =>
  readProvider(
    { name: 'it', preset, client_id: 'x', client_secret: { env: 'S' }, shared_secret: { env: 'S' } },
    { S: 'a secret' },
  )

it.each(Object.entries(facts))('%s', (preset, expected) => {
  expect(entry(preset)).toMatchObject(expected)
})

it('has a line here for each preset of a provider', () => {
  const generic = ['oidc', 'oauth2', 'site-login']
  expect(
    Object.keys(presets)
      .filter((name) => !generic.includes(name))
      .toSorted(),
  ).toEqual(Object.keys(facts).toSorted())
})

it('names no place that isn’t https', () => {
  for (const [name, preset] of Object.entries(presets))
    for (const value of Object.values(preset))
      if (typeof value === 'string' && value.includes('://')) expect(value, name).toMatch(/^https:\/\/[a-z.]+(?:\/|$)/)
})
