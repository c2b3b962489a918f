import type { ClientMetadata } from '../protocol/client-metadata.ts'
import type { Seconds } from '../protocol/time.ts'
import type { Provider } from './provider.ts'
import type { SecretValue } from './secret-value.ts'
import type { StoreAddress } from './store-address.ts'

export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** Everything that the operator decides, checked and complete. Paths are absolute. */
export type Config = {
  /** An origin: no path, no trailing slash. https unless its host is loopback. */
  readonly issuer: string
  /** Nobody said it, nor the port that it follows from. */
  readonly issuerAssumed?: true
  readonly listen: { readonly host: string; readonly port: number }
  /** Holds the SQLite file and the key file. */
  readonly dataDirectory: string
  readonly store: StoreAddress
  /** Addresses and CIDR ranges whose forwarding headers count. */
  readonly trustedProxies: readonly string[]
  /** Port of the metrics listener, which is always loopback. Absent: no metrics. */
  readonly metricsPort?: number
  readonly logLevel: LogLevel
  /** Processes that serve, where there are several. */
  readonly workers?: number
  readonly users: UsersPolicy
  /** How letters leave. Absent: none do. */
  readonly mail?: MailSettings
  /** How long audit events are kept. */
  readonly eventTtl: Seconds
  /** Where copies of audit events go. Absent: nowhere. */
  readonly audit?: AuditSettings
  readonly pages: PageSettings
  readonly clients: readonly ConfiguredClient[]
  readonly resources: readonly ConfiguredResource[]
  readonly providers: readonly Provider[]
  /** Seals keys at rest in place of the key file. */
  readonly keySecret?: SecretValue
  /** For the first administrator, only while there is none. */
  readonly adminPassword?: SecretValue
  /** The file it came from. Absent: environment, flags and defaults alone. */
  readonly file?: string
}

/** As in `domain/user.ts`, which is none of this folder's business. */
type Role = 'editor' | 'admin' | 'superuser'

/** What holds for accounts. A reload changes it, so whoever serves asks for it each time. */
export type UsersPolicy = {
  readonly registration: RegistrationPolicy
  /** Roles that have to have a second factor. */
  readonly secondFactor?: readonly Role[]
}

/** Who may make himself an account. */
export type RegistrationPolicy = 'closed' | 'invite' | 'open'

export type MailSettings =
  | {
      readonly by: 'smtp'
      /** May hold a password. */
      readonly url: SecretValue
      readonly from: string
      readonly loopback: boolean
    }
  /** For trying things out on one's own machine. */
  | { readonly by: 'log' }

export type AuditSettings =
  | { readonly to: 'stdout' }
  | { readonly to: 'file'; readonly path: string }
  | {
      readonly to: 'http'
      readonly url: string
      readonly allowInsecure: boolean
      /** The whole header of this name. */
      readonly authorization?: SecretValue
    }

export type PageSettings = {
  readonly productName?: string
  /** `data:image/…;base64,…` */
  readonly logo?: string
  readonly privacyPolicy?: string
  readonly terms?: string
  /** `#rrggbb`. */
  readonly accent?: string
}

/** A client of the file: checked metadata, and the secret of a confidential client that has one. */
export type ConfiguredClient = {
  readonly metadata: ClientMetadata & { readonly clientId: string }
  readonly secret?: SecretValue
}

/** An API of the file. */
export type ConfiguredResource = {
  readonly resource: string
  readonly name?: string
  readonly scope: readonly string[]
  readonly heldScopes?: readonly string[]
  readonly scopeDescriptions?: Readonly<Record<string, string>>
  readonly accessToken: {
    readonly format: 'jwt' | 'opaque' | 'macaroon'
    readonly ttl: number
    readonly claims: readonly string[]
  }
  readonly introspectionClients: readonly string[]
}
