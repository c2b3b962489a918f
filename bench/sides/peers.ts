import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { discoveryPath } from '../load/site.ts'
import type { Side } from './side.ts'

const peerFile = (name: string): string => join(import.meta.dirname, '..', 'peers', name)

const oidcProvider = (name: string, title: string, storage: (directory: string) => string): Side => ({
  name,
  title,
  readyPath: discoveryPath,
  prepare: ({ directory, port, fixture }) => {
    const setupFile = join(directory, 'peer.json')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'ES256' }
    writeFileSync(setupFile, JSON.stringify({ fixture, signingKey }), { mode: 0o600 })
    return {
      args: [peerFile('oidc-provider.ts'), String(port), setupFile, storage(directory)],
      env: { NODE_ENV: 'production' },
    }
  },
})

export const peerInMemory = oidcProvider('oidc-provider', 'oidc-provider 9, in memory', () => 'memory')

export const peerOnSqlite = oidcProvider(
  'oidc-provider-sqlite',
  'oidc-provider 9, SQLite adapter, one durable commit per operation',
  (directory) => join(directory, 'peer.db'),
)

export const bareFastify: Side = {
  name: 'bare-fastify',
  title: 'Fastify that parses the form and answers: the floor',
  readyPath: discoveryPath,
  prepare: ({ port }) => ({ args: [peerFile('bare-fastify.ts'), String(port)], env: { NODE_ENV: 'production' } }),
}
