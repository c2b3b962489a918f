import { createPublicKey, type KeyObject } from 'node:crypto'

/** Where a side's endpoints are, as its own discovery document says: no path is assumed. */
export type Site = {
  readonly origin: string
  readonly host: string
  readonly issuer: string
  readonly paths: {
    readonly authorize: string
    readonly token: string
    readonly introspect: string
    readonly jwks: string
  }
  readonly keys: ReadonlyMap<string, KeyObject>
}

export const discoveryPath = '/.well-known/openid-configuration'

export const discoverSite = async (port: number): Promise<Site> => {
  const origin = `http://localhost:${port}`
  const metadata = await fetchJson(`${origin}${discoveryPath}`)
  const path = (name: string): string => new URL(String(metadata[name])).pathname
  const jwks = await fetchJson(String(metadata['jwks_uri']))
  return {
    origin,
    host: `localhost:${port}`,
    issuer: String(metadata['issuer']),
    paths: {
      authorize: path('authorization_endpoint'),
      token: path('token_endpoint'),
      introspect: path('introspection_endpoint'),
      jwks: path('jwks_uri'),
    },
    keys: new Map(
      (jwks['keys'] as JsonWebKey[]).map((jwk) => [keyId(jwk), createPublicKey({ key: jwk, format: 'jwk' })]),
    ),
  }
}

type JsonWebKey = Record<string, unknown>

const keyId = (jwk: JsonWebKey): string => String(jwk['kid'])

const fetchJson = async (url: string): Promise<Record<string, unknown>> => {
  const response = await fetch(url)
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}
