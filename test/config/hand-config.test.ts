import { expect, it } from 'vitest'
import { handConfig, takeConfig } from '../../src/config/hand-config.ts'
import { isSecretValue } from '../../src/config/secret-value.ts'
import { configOf } from './load.ts'

const running = configOf({
  yaml: `providers:
  - { name: github, preset: github, client_id: Iv1, client_secret: { env: S } }
  - { name: etsy, preset: etsy, client_id: k3y, shared_secret: { env: T } }
  - name: odd
    preset: oauth2
    issuer: https://odd.example
    client_id: a
    client_secret: { env: S }
    authorization_endpoint: https://odd.example/authorize
    token_endpoint: https://odd.example/token
    token_headers: { x-odd: "!looks like a secret", x-even: "=looks plain" }
users: { registration: invite, second_factor: [admin] }
mail: { smtp: { env: M }, from: as@example.org }
audit: { sink: "https://sink.example", authorization: { env: A } }
clients:
  - { client_id: app, grant_types: [client_credentials], client_secret: { env: C } }
`,
  environment: {
    S: 'theirs',
    T: '!shared',
    M: 'smtps://as:post@mail.example',
    A: 'Bearer sink',
    C: 'jZr4vT0kQ2mX8pL6sW1yB9nD3fH5gC7aE0uRiOqMxKw',
    GATEHOUSE_SECRET: 'qQ2mX8pL6sW1yB9nD3fH5gC7aE0uRiOqMxKwjZr4vT0k',
    GATEHOUSE_STORE: 'postgres://as:store@db.example/as',
  },
})

/** Secrets print alike. */
const revealed = (part: unknown): unknown =>
  isSecretValue(part)
    ? { revealed: part.reveal() }
    : Array.isArray(part)
      ? part.map(revealed)
      : typeof part === 'object' && part !== null
        ? Object.fromEntries(Object.entries(part).map(([name, value]) => [name, revealed(value)]))
        : part

it('hands a configuration to another process whole, its secrets as secrets', () => {
  const taken = takeConfig(handConfig(running))
  expect(revealed(taken)).toEqual(revealed(running))
  expect(JSON.stringify(taken)).toBe(JSON.stringify(running))
  expect(JSON.stringify(revealed(taken))).toMatch(/"revealed":"jZr4.*"x-odd":"!looks like a secret"/s)
})
