import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { createResourceServer } from '../src/resource/index.ts'
import type { Figure } from './report/result.ts'

const [issuer, resource] = ['https://login.example.org', 'https://notes.example.org']
const rounds = 7
const tokensPerRound = 1_000

/**
 * `npm run bench -- resource`: a JWT at an API, by `gatehouse/resource` (from the header to the caller, scope included) and by
 * jose's `jwtVerify` (issuer, audience, type); CPU time of one, in µs. Nobody is asked anything.
 */
export async function benchResource(): Promise<readonly Figure[]> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const set = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] }
  const answers: Readonly<Record<string, unknown>> = {
    [`${issuer}/jwks`]: set,
    [`${issuer}/.well-known/oauth-authorization-server`]: {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      introspection_endpoint: `${issuer}/introspect`,
    },
  }
  const api = createResourceServer({ issuer, resource, fetch: (url) => Promise.resolve(Response.json(answers[url])) })
  const keys = createLocalJWKSet(set)
  const makeTokens = () => Promise.all(Array.from({ length: tokensPerRound }, () => makeToken(privateKey)))

  const ours = async (token: string): Promise<void> => {
    const headers = { authorization: `Bearer ${token}` }
    const call = { method: 'GET', target: '/notes', headers, body: () => new Uint8Array() }
    const verdict = await api.check(call, { scope: 'read' })
    if (!('caller' in verdict)) throw new Error('the benchmark verifies nothing')
  }
  const theirs = async (token: string): Promise<void> =>
    void (await jwtVerify(token, keys, { issuer, audience: resource, typ: 'at+jwt', algorithms: ['ES256'] }))

  const best = { fresh: Number.POSITIVE_INFINITY, again: Number.POSITIVE_INFINITY, jose: Number.POSITIVE_INFINITY }
  for (let round = 0; round < rounds; round += 1) {
    const tokens = await makeTokens()
    best.fresh = Math.min(best.fresh, await cpuMicroseconds(tokens, ours))
    best.again = Math.min(best.again, await cpuMicroseconds(tokens, ours))
    best.jose = Math.min(best.jose, await cpuMicroseconds(tokens, theirs))
  }
  const rows = [
    ['a token seen first', best.fresh],
    ['a token seen before', best.again],
  ] as const
  return rows.map(([what, ours]) => ({ what, ours, unit: 'µs CPU', beside: { what: 'jose', value: best.jose } }))
}

function makeToken(key: Parameters<SignJWT['sign']>[0]): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const own = { client_id: 'app', scope: 'read write', gid: 'g', epoch: '1.1.1', jti: crypto.randomUUID() }
  return new SignJWT({ ...own, iss: issuer, aud: resource, sub: 'usr_1', iat: now, exp: now + 600 })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })
    .sign(key)
}

async function cpuMicroseconds(tokens: readonly string[], verify: (token: string) => Promise<void>): Promise<number> {
  const started = process.cpuUsage()
  for (const token of tokens) await verify(token)
  const { user, system } = process.cpuUsage(started)
  return (user + system) / tokens.length
}
