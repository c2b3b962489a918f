import type { SecretValue } from './secret-value.ts'
import type { StoreAddress } from './store-address.ts'

export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** Everything that the operator decides, checked and complete. Paths are absolute. */
export type Config = {
  /** An origin: no path, no trailing slash. https unless its host is loopback. */
  readonly issuer: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Holds the SQLite file and the key file. */
  readonly dataDirectory: string
  readonly store: StoreAddress
  /** Addresses and CIDR ranges whose forwarding headers count. */
  readonly trustedProxies: readonly string[]
  /** Port of the metrics listener, which is always loopback. Absent: no metrics. */
  readonly metricsPort?: number
  readonly logLevel: LogLevel
  readonly users: { readonly registration: 'closed' }
  readonly pages: PageSettings
  readonly clients: readonly ConfiguredClient[]
  readonly resources: readonly ConfiguredResource[]
  /** Seals keys at rest in place of the key file. */
  readonly keySecret?: SecretValue
  /** For the first administrator, only while there is none. */
  readonly adminPassword?: SecretValue
  /** The file it came from. Absent: environment, flags and defaults alone. */
  readonly file?: string
}

export type PageSettings = {
  readonly privacyPolicy?: string
  readonly terms?: string
  /** `#rrggbb`. */
  readonly accent?: string
}

/** A client of the file, its RFC 7591 names turned into ours. */
export type ConfiguredClient = {
  readonly clientId: string
  readonly name?: string
  readonly uri?: string
  readonly logoUri?: string
  readonly policyUri?: string
  readonly tosUri?: string
  readonly authentication:
    | { readonly method: 'none' }
    | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: SecretValue }
    | {
        readonly method: 'private_key_jwt'
        readonly keys: readonly Readonly<Record<string, unknown>>[]
        readonly algorithm?: 'ES256' | 'RS256' | 'EdDSA' | 'PS256'
      }
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly grantTypes: readonly ('authorization_code' | 'refresh_token' | 'client_credentials' | 'password')[]
  readonly scope: readonly string[]
  readonly resources?: readonly string[]
  readonly idTokenAlgorithm: 'ES256' | 'RS256' | 'EdDSA'
  readonly legacy: readonly ('implicit' | 'password' | 'assertion_audience')[]
  readonly loopbackOnly: boolean
}

/** An API of the file. */
export type ConfiguredResource = {
  readonly resource: string
  readonly name?: string
  readonly scope: readonly string[]
  readonly accessToken: { readonly format: 'jwt' | 'opaque'; readonly ttl: number; readonly claims: readonly string[] }
  readonly introspectionClients: readonly string[]
}
