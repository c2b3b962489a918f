import { randomBytes } from 'node:crypto'

/** What every side is set up with: the same clients, resources, account and lifetimes. */
export type Fixture = {
  readonly service: Client
  readonly web: Client & { readonly redirectUri: string }
  readonly resources: { readonly opaque: string; readonly jwt: string; readonly scope: string }
  readonly person: { readonly username: string; readonly password: string }
  readonly ttlSeconds: {
    readonly access: number
    readonly code: number
    readonly refresh: number
    readonly session: number
  }
}

type Client = { readonly id: string; readonly secret: string }

export const makeFixture = (): Fixture => ({
  service: { id: 'bench-service', secret: secret() },
  web: { id: 'bench-web', secret: secret(), redirectUri: 'https://app.example/cb' },
  resources: { opaque: 'https://opaque.api.example', jwt: 'https://jwt.api.example', scope: 'read' },
  person: { username: 'admin', password: secret() },
  ttlSeconds: { access: 900, code: 60, refresh: 14 * 86_400, session: 14 * 86_400 },
})

const secret = (): string => randomBytes(36).toString('base64url')
