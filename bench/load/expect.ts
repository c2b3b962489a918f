import { verify } from 'node:crypto'
import type { Site } from './site.ts'

/** The sampled look at bodies: a fast wrong answer must not win. */
export const expectTokens = (
  body: string,
  site: Site,
  wanted: { format: 'opaque' | 'jwt'; audience: string; idTokenFor?: string; refresh?: boolean },
): void => {
  const answer = JSON.parse(body) as Record<string, unknown>
  demand(answer['token_type'] === 'Bearer', 'token_type is Bearer', body)
  demand(typeof answer['expires_in'] === 'number', 'expires_in is a number', body)
  const access = String(answer['access_token'])
  if (wanted.format === 'jwt') {
    const { header, claims } = readJwt(access, site)
    demand(header['alg'] === 'ES256' && header['typ'] === 'at+jwt', 'the access token is an ES256 at+jwt', body)
    demand(claims['aud'] === wanted.audience, `aud is ${wanted.audience}`, JSON.stringify(claims))
    for (const name of ['iss', 'sub', 'client_id', 'scope', 'iat', 'exp', 'jti'])
      demand(name in claims, `claim ${name}`, body)
  } else {
    demand(access.length >= 32 && access.split('.').length !== 3, 'the access token is opaque', body)
  }
  if (wanted.idTokenFor !== undefined) {
    const { header, claims } = readJwt(String(answer['id_token']), site)
    demand(header['alg'] === 'ES256', 'the ID token is ES256', body)
    demand(claims['aud'] === wanted.idTokenFor, 'the ID token is for the client', JSON.stringify(claims))
    for (const name of ['iss', 'sub', 'iat', 'exp', 'nonce', 'auth_time']) {
      demand(name in claims, `ID token claim ${name}`, JSON.stringify(claims))
    }
  }
  if (wanted.refresh === true) demand(typeof answer['refresh_token'] === 'string', 'there is a refresh token', body)
}

export const expectActive = (body: string, wanted: { clientId: string; scope: string }): void => {
  const answer = JSON.parse(body) as Record<string, unknown>
  demand(answer['active'] === true, 'the token is active', body)
  demand(answer['client_id'] === wanted.clientId, `client_id is ${wanted.clientId}`, body)
  demand(answer['scope'] === wanted.scope, `scope is ${wanted.scope}`, body)
}

type Json = Record<string, unknown>

const readJwt = (token: string, site: Site): { header: Json; claims: Json } => {
  const [head = '', payload = '', signature = ''] = token.split('.')
  const header = parsePart(head)
  const key = site.keys.get(String(header['kid']))
  if (key === undefined) throw new Error(`no key ${String(header['kid'])} in the JWKS`)
  const signed = verify(
    'sha256',
    Buffer.from(`${head}.${payload}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  )
  demand(signed, 'the signature verifies', token)
  return { header, claims: parsePart(payload) }
}

const parsePart = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json

const demand = (holds: boolean, what: string, body: string): void => {
  if (!holds) throw new Error(`expected that ${what}, got: ${body.slice(0, 600)}`)
}
