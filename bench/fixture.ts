import { randomBytes } from 'node:crypto'

/** What every side is set up with: the same clients, resources, account and lifetimes. */
export type Fixture = {
  readonly service: Client
  readonly web: Client & { readonly redirectUri: string }
  readonly resources: { readonly opaque: string; readonly jwt: string; readonly scope: string }
  /** The administrator that a first start makes. */
  readonly administrator: Person
  /** One for each lane that signs in again and again: people don't share an account, so no record is contended. */
  readonly people: readonly Person[]
  readonly ttlSeconds: {
    readonly access: number
    readonly code: number
    readonly refresh: number
    readonly session: number
  }
}

export type Person = { readonly username: string; readonly password: string }

type Client = { readonly id: string; readonly secret: string }

const PEOPLE = 64

export const makeFixture = (): Fixture => ({
  service: { id: 'bench-service', secret: secret() },
  web: { id: 'bench-web', secret: secret(), redirectUri: 'https://app.example/cb' },
  resources: { opaque: 'https://opaque.api.example', jwt: 'https://jwt.api.example', scope: 'read' },
  administrator: { username: 'admin', password: password() },
  people: Array.from({ length: PEOPLE }, (_, number) => ({ username: `person-${number}`, password: password() })),
  ttlSeconds: { access: 900, code: 60, refresh: 14 * 86_400, session: 14 * 86_400 },
})

const secret = (): string => randomBytes(36).toString('base64url')
// Shorter than a secret: how guessable a password is takes long to judge for long ones.
const password = (): string => randomBytes(15).toString('base64url')
