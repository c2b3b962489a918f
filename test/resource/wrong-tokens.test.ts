import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { createResourceServer, type ResourceServer } from '../../src/resource/index.ts'

const [issuer, resource] = ['https://issuer.example', 'https://notes.example']
const client = { clientId: 'api', clientSecret: 'a secret' }
const now = () => 2_000_000_000

/** A guard whose server answers from this table, by path. */
function guardOf(answers: Readonly<Record<string, unknown>>): ResourceServer {
  const metadata = { issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` }
  const all = { '/.well-known/oauth-authorization-server': metadata, ...answers }
  return createResourceServer({
    issuer,
    resource,
    client,
    now,
    fetch: (url) => {
      const found = Object.entries(all).find(([path]) => url === `${issuer}${path}`)?.[1]
      return Promise.resolve(found instanceof Response ? found : Response.json(found ?? {}))
    },
  })
}

async function verdictOf(guard: ResourceServer, token: string) {
  const headers = { authorization: `Bearer ${token}` }
  return guard.check({ method: 'GET', target: '/', headers, body: () => new Uint8Array() })
}

describe('offline verification refuses what RFC 9068 §4 refuses', () => {
  let guard: ResourceServer
  let ours: Awaited<ReturnType<typeof generateKeyPair>>

  beforeAll(async () => {
    ours = await generateKeyPair('ES256')
    const rsa = await generateKeyPair('RS256')
    const keys = [
      { ...(await exportJWK(ours.publicKey)), kid: 'ours' },
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa' },
      { kty: 'oct', k: 'AA', kid: 'unknown kind' },
    ]
    guard = guardOf({ '/jwks': { keys } })
    wrong['another key’s name'] = () => signed({}, { kid: 'rsa' })
  })

  const wrong: Record<string, () => Promise<string>> = {
    'another audience': () => signed({ aud: 'https://door.example' }),
    'another issuer': () => signed({ iss: 'https://evil.example' }),
    'its time is over': () => signed({ exp: now() }),
    'no end': () => signed({ exp: undefined }),
    'an end that is text': () => signed({ exp: '4000000000' }),
    'not yet': () => signed({ iat: now() + 100 }),
    'no client': () => signed({ client_id: undefined }),
    'no subject': () => signed({ sub: undefined }),
    'bound to a key that we don’t check': () => signed({ cnf: { jkt: 'x' } }),
    'another key under our name': async () => signed({}, {}, (await generateKeyPair('ES256')).privateKey),
    'an ID token, by its type': () => signed({}, { typ: 'JWT' }),
    'no type': () => signed({}, { typ: undefined }),
    'no key id': () => signed({}, { kid: undefined }),
    'something critical': () => signed({}, { crit: ['x'], x: 1 }),
    'no signature': async () => `${(await signed({})).split('.').slice(0, 2).join('.')}.`,
    'alg none': async () => {
      const header = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"ours"}').toString('base64url')
      return `${header}.${(await signed({})).split('.')[1]}.AA`
    },
    'another key’s name': () => Promise.resolve(''),
  }

  function signed(claims: object, header: Record<string, unknown> = {}, key = ours.privateKey): Promise<string> {
    const usual = {
      iss: issuer,
      aud: resource,
      sub: 'usr_1',
      client_id: 'app',
      scope: 'a b',
      iat: now() - 10,
      exp: now() + 100,
      jti: 'j',
      gid: 'g',
      epoch: '1.1.1',
    }
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'ours', ...header })
      .sign(key, { crit: { x: true } })
  }

  test('a good token says who and what for', async () => {
    expect(await verdictOf(guard, await signed({ username: 'ada', auth_time: 5, acr: 'pwd' }))).toMatchObject({
      caller: { subject: 'usr_1', clientId: 'app', username: 'ada', scope: ['a', 'b'], authTime: 5, acr: 'pwd' },
    })
  })

  test.each(Object.keys(wrong))('%s', async (name) => {
    const token = (await wrong[name]?.()) ?? ''
    expect(await verdictOf(guard, token)).toMatchObject({ refused: { status: 401, error: 'invalid_token' } })
  })
})

describe('introspection believes an active answer about this API alone', () => {
  const good = {
    active: true,
    aud: resource,
    sub: 'usr_1',
    client_id: 'app',
    scope: 'a',
    username: 'ada',
    exp: now() + 60,
  }
  const refused = { refused: { status: 401 } }

  test.each([
    ['a good one', good, { caller: { subject: 'usr_1', username: 'ada', scope: ['a'] } }],
    ['one for several', { ...good, aud: ['https://door.example', resource] }, { caller: { subject: 'usr_1' } }],
    ['an inactive one', { ...good, active: false }, refused],
    ['one that only looks active', { ...good, active: 'true' }, refused],
    ['one of another API', { ...good, aud: 'https://door.example' }, refused],
    ['one of nobody', { ...good, sub: undefined }, refused],
    ['one without end', { ...good, exp: undefined }, refused],
    ['one that is over', { ...good, exp: now() }, refused],
    ['an error', new Response('{"active":true}', { status: 500 }), { refused: { status: 503 } }],
    ['an endless one', new Response(`{"active":true,"x":"${'x'.repeat(300_000)}"}`), { refused: { status: 503 } }],
    [
      'one that two parsers read differently',
      new Response('{"active":false,"active":true}'),
      { refused: { status: 503 } },
    ],
    ['no JSON', new Response('<p>'), { refused: { status: 503 } }],
  ])('%s', async (_name, answer, verdict) => {
    expect(await verdictOf(guardOf({ '/introspect': answer }), 'gth_at_x')).toMatchObject(verdict)
  })
})
