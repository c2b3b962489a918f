import { describe, expect, it } from 'vitest'
import { ownSegments } from '../../src/config/check-provider.ts'
import { longestSiteSession } from '../../src/config/provider-entry.ts'
import { presets } from '../../src/config/presets/presets.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { routesOf } from '../../src/server/routes.ts'
import { startGatehouse } from '../kit/gatehouse.ts'
import { configOf, problemsOf } from './load.ts'

const environment = { S: 'short-but-theirs', T: 'another' }
const providers = (yaml: string) => ({ environment, yaml: `providers:\n${yaml}` })

describe('providers of the file', () => {
  it('a preset needs little more than credentials', () => {
    const [github] = configOf(
      providers('  - { name: github, preset: github, client_id: Iv1, client_secret: { env: S } }'),
    ).providers
    expect(github).toMatchObject({
      kind: 'oauth2',
      issuer: 'https://github.com',
      clientId: 'Iv1',
      callbackPath: '/vault/callback/github',
      signIn: 'by-registration',
      subject: { from: 'userinfo', claim: 'id' },
    })
    expect(JSON.stringify(github)).not.toContain('short-but-theirs')
  })

  it('Etsy as the contract writes it: a keystring from a file, a shared secret, its old callback path', () => {
    const [etsy] = configOf({
      environment,
      files: { '/run/secrets/etsy-keystring': 'k3y5tr1ng\n' },
      yaml: `providers:
  - name: etsy
    preset: etsy
    client_id: { file: /run/secrets/etsy-keystring }
    shared_secret: { env: S }
    callback_path: /etsy
    anonymous: true
`,
    }).providers
    expect(etsy).toMatchObject({ clientId: 'k3y5tr1ng', callbackPath: '/etsy', anonymous: true, signIn: 'off' })
  })

  it('a new provider is YAML alone', () => {
    const [forge] = configOf(
      providers(`  - name: forge
    preset: oauth2
    title: The Forge
    issuer: https://forge.example
    authorization_endpoint: https://forge.example/a
    token_endpoint: https://forge.example/t
    userinfo_endpoint: https://forge.example/me
    subject: { from: userinfo, claim: uid }
    username_claims: [nick]
    token_endpoint_auth_method: client_secret_post
    client_id: us
    client_secret: { env: S }
    scope: read:me
    scope_separator: ','
    sign_in: create
    refresh: static
    api_headers: { x-client: '{client_id}' }
    token_headers: { authorization: 'Key {client_id}' }
    claims: { nick: { at: [/a, /b] }, uid: { at: /user/uid } }`),
    ).providers
    expect(forge).toMatchObject({
      tokenHeaders: { authorization: 'Key {client_id}' },
      claims: { nick: { at: ['/a', '/b'] }, uid: { at: ['/user/uid'], as: 'text' } },
    })
    expect(forge).toMatchObject({ title: 'The Forge', signIn: 'create', usernameClaims: ['nick'], refresh: 'static' })
  })

  it.each([
    ['https://api.example/v3/', 'https://api.example/v3'],
    ['https://api.example/v3', 'https://api.example/v3'],
    ['https://api.example/', 'https://api.example'],
  ])('every path below the base of an API brings its slash: %s is kept as %s', (written, apiBase) => {
    const entry = `preset: github, client_id: us, client_secret: { env: S }, api_base: '${written}'`
    expect(configOf(providers(`  - { name: github, ${entry} }`)).providers).toMatchObject([{ apiBase }])
  })

  it('a site whose only interface is a login API', () => {
    const [forum] = configOf(
      providers(
        `  - { name: forum, preset: site-login, issuer: https://forum.example, login_endpoint: https://api.forum.example/auth/login }`,
      ),
    ).providers
    expect(forum).toMatchObject({ kind: 'site-login', request: 'json', wrongStatuses: [401], lockedStatuses: [403] })
  })

  const site =
    'name: a, preset: site-login, issuer: https://forum.example, login_endpoint: https://api.forum.example/login'
  const github = 'name: a, preset: github, client_id: x, client_secret: { env: S }'
  it.each([
    [
      'no credentials',
      '  - { name: a, preset: github }',
      ['providers[0].client_id is missing', 'providers[0].client_secret is missing'],
    ],
    [
      'a secret in clear',
      '  - { name: a, preset: github, client_id: x, client_secret: y }',
      ['providers[0].client_secret must be { env: NAME }'],
    ],
    [
      'a variable that is not set',
      '  - { name: a, preset: github, client_id: x, client_secret: { env: NOPE } }',
      ['names the environment variable NOPE'],
    ],
    [
      'Etsy without its second secret',
      '  - { name: a, preset: etsy, client_id: x }',
      ['providers[0].shared_secret is missing'],
    ],
    [
      'F14: http',
      `  - { ${github}, token_endpoint: 'http://10.0.0.5/t' }`,
      ['token_endpoint must be https; for a test or an intranet add allow_insecure: true'],
    ],
    [
      'F14: another scheme',
      `  - { ${github}, token_endpoint: 'file:///etc/passwd', allow_insecure: true }`,
      ['token_endpoint must be an https URL'],
    ],
    [
      'a user name in a URL',
      `  - { ${github}, token_endpoint: 'https://a:b@c.example/' }`,
      ['token_endpoint must be an https URL'],
    ],
    [
      'a callback path of our own',
      `  - { ${github}, callback_path: /oauth/token }`,
      ['callback_path shadows a path of this server'],
    ],
    [
      'a callback path that is none',
      `  - { ${github}, callback_path: /a/../b }`,
      ['callback_path must be a path such as /etsy'],
    ],
    [
      'a probe of no API',
      `  - { ${github.replace('github', 'oauth2')}, issuer: 'https://h.example', authorization_endpoint: 'https://h.example/a', token_endpoint: 'https://h.example/t', api_probe: /ping }`,
      ['api_probe is a path below api_base, which is missing; add that'],
    ],
    [
      'a probe that leaves its base',
      `  - { ${github}, api_probe: /v3/../ping }`,
      ['api_probe must be a path such as /v1/ping'],
    ],
    [
      'a no that stands nowhere',
      '  - { name: a, preset: site-login, issuer: "https://h.example", login_endpoint: "https://h.example/l", wrong_when: { at: error, is: x } }',
      ['wrong_when.at must be a JSON pointer'],
    ],
    [
      'a header that belongs to one hop',
      `  - { ${github}, token_headers: { transfer-encoding: chunked }, api_headers: { host: a.example } }`,
      ["api_headers can't hold host", "token_headers can't hold transfer-encoding"],
    ],
    [
      'a cookie',
      `  - { ${github}, api_headers: { cookie: a=b } }`,
      ["api_headers can't hold cookie, which the request says by itself; leave it out"],
    ],
    [
      'the token of a call, said twice',
      `  - { ${github}, api_headers: { authorization: x } }`,
      ["api_headers can't hold authorization"],
    ],
    [
      'the proof of a client, said twice',
      `  - { ${github}, token_endpoint_auth_method: client_secret_basic, token_headers: { authorization: x, content-type: x } }`,
      ["token_headers can't hold authorization", "token_headers can't hold content-type"],
    ],
    [
      'a header in two lines',
      `  - { ${github}, token_headers: { x-key: "a\\r\\nhost: b" } }`,
      ['token_headers.x-key must be printable ASCII'],
    ],
    [
      'a placeholder that nobody fills in',
      `  - { ${github}, token_headers: { x-key: '{client_secret}' } }`,
      ['token_headers of x-key holds {client_secret}; only {client_id} and {shared_secret}'],
    ],
    [
      'a second secret of token requests that is missing',
      `  - { ${github}, token_headers: { x-key: '{shared_secret}' } }`,
      ['providers[0].shared_secret is missing'],
    ],
    [
      'a repair that is none',
      `  - { ${github}, claims: { name: {} } }`,
      ['claims repairs name without saying how; add at, find or as'],
    ],
    [
      'a place that is no pointer',
      `  - { ${github}, claims: { name: { at: name.first } } }`,
      ['claims.name.at must be a JSON pointer'],
    ],
    [
      'two places and a list',
      `  - { ${github}, claims: { name: { at: [/a, /b], find: { where: { x: 1 }, take: /y } } } }`,
      ['claims joins name of several places and looks for it in a list; choose one'],
    ],
    [
      'a repaired subject of an ID token',
      `  - { ${github.replace('github', 'google')}, claims: { sub: { at: /email }, nonce: { as: text } } }`,
      ["claims can't repair sub: in an ID token it counts as it was signed", "claims can't repair nonce"],
    ],
    ...['email', 'login', 'username', 'preferred_username', 'name', 'nickname', 'userName'].map(
      (claim): [string, string, string[]] => [
        `${claim} as who somebody is`,
        `  - { ${github}, subject: { from: userinfo, claim: ${claim} } }`,
        [`subject can't be ${claim}, which can change hands; take an id that stays`],
      ],
    ),
    ...['username', 'email'].map((claim): [string, string, string[]] => [
      `${claim} as who somebody is at a site`,
      `  - { ${site}, subject_claim: ${claim} }`,
      [`subject_claim can't be ${claim}, which can change hands; take an id that stays`],
    ]),
    [
      'an address as who somebody is at a site, by another name',
      `  - { ${site}, claims: { userId: { at: /user/email } } }`,
      ["subject_claim can't be email, which can change hands; take an id that stays"],
    ],
    [
      'an address as who somebody is, by another name',
      `  - { ${github}, subject: { from: userinfo, claim: uid }, claims: { uid: { at: /user/email } } }`,
      ["subject can't be email, which can change hands; take an id that stays"],
    ],
    [
      'an address of a list as who somebody is',
      `  - { ${github}, subject: { from: userinfo, claim: uid }, claims: { uid: { at: /emails, find: { where: { primary: true }, take: /email } } } }`,
      ["subject can't be email, which can change hands; take an id that stays"],
    ],
    [
      'a demand where there is no ID token',
      `  - { ${github}, required_claims: { hd: a.example } }`,
      ['required_claims are looked for in ID tokens'],
    ],
    [
      'two of one name',
      `  - { ${github} }\n  - { ${github}, issuer: https://b.example }`,
      ['providers[1].name stands at providers[0].name already'],
    ],
    [
      'two of one issuer, though only a preset says it',
      `  - { ${github} }\n  - { ${github.replace('a,', 'b,')} }`,
      ['providers[1].issuer stands at providers[0].issuer already'],
    ],
    [
      'two on one path',
      `  - { ${github}, callback_path: /x }\n  - { ${github.replace('a,', 'b,')}, issuer: https://b.example, callback_path: /x }`,
      ['providers[1].callback_path stands at'],
    ],
    [
      'no issuer',
      '  - { name: a, preset: oidc, client_id: x, client_secret: { env: S } }',
      ['providers[0].issuer is missing'],
    ],
    [
      'signing in without a stable id',
      '  - { name: a, preset: oauth2, issuer: https://a.example, authorization_endpoint: https://a.example/a, token_endpoint: https://a.example/t, client_id: x, client_secret: { env: S }, sign_in: create }',
      ['providers[0].subject is missing'],
    ],
    [
      'a session longer than any is',
      '  - { name: forum, preset: site-login, issuer: https://a.example, login_endpoint: https://a.example/l, session_lengths: [86400, 7776001] }',
      ['providers[0].session_lengths[1] must be at most 7776000: no session lives longer than 90 days'],
    ],
    ['an unknown key', `  - { ${github}, redirect: x }`, ['providers[0].redirect is an unknown key']],
    ['an unknown preset', '  - { name: a, preset: myspace }', ['providers[0].preset must be one of']],
    [
      'a name that is no path',
      '  - { name: A/B, preset: github, client_id: x, client_secret: { env: S } }',
      ['providers[0].name must be'],
    ],
  ])('%s refuses to start', (_name, yaml, wanted) => {
    const problems = problemsOf(providers(yaml))
    expect(problems).toHaveLength(wanted.length)
    for (const [index, text] of wanted.entries()) expect(problems[index]).toContain(text)
  })

  it('offers a session as long as one may live, and no longer', () => {
    const site = 'name: forum, preset: site-login, issuer: https://a.example, login_endpoint: https://a.example/l'
    const [forum] = configOf(
      providers(`  - { ${site}, session_lengths: [${lifetimes.persistentSessionAbsolute}] }`),
    ).providers
    expect(forum).toMatchObject({ sessionLengths: [longestSiteSession] })
    expect(longestSiteSession).toBe(lifetimes.persistentSessionAbsolute)
  })

  it('no preset names an address that is not https', () => {
    expect(JSON.stringify(presets)).not.toContain('http:')
  })

  it('every path of ours is kept from callback paths', async () => {
    const server = await startGatehouse()
    const first = new Set(routesOf(server.core).map(({ path }) => path.split('/')[1] ?? ''))
    await server.close()
    expect([...first].filter((segment) => segment !== '' && !ownSegments.has(segment))).toEqual([])
  })
})
