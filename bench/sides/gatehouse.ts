import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Side } from './side.ts'

const root = join(import.meta.dirname, '..', '..')
const entry = (): string => {
  const compiled = join(root, 'dist', 'cli', 'main.js')
  return existsSync(compiled) ? compiled : join(root, 'src', 'cli', 'main.ts')
}

/** Ours, as an operator starts it: the CLI, a configuration file, SQLite with synchronous=FULL, audit events on. */
export const gatehouse: Side = {
  name: 'gatehouse',
  title: 'Gatehouse, SQLite durable, audit events included',
  readyPath: '/readyz',
  prepare: ({ directory, port, fixture }) => {
    const configFile = join(directory, 'gatehouse.yaml')
    // YAML is a superset of JSON: no writer needed.
    writeFileSync(configFile, JSON.stringify(configuration(fixture), null, 2))
    const address = ['--port', String(port), '--issuer', `http://localhost:${port}`]
    return {
      args: [
        entry(),
        'serve',
        '--config',
        configFile,
        '--data',
        join(directory, 'data'),
        ...address,
        '--metrics-port',
        String(port + 1),
        '--log-level',
        'error',
      ],
      env: {
        NODE_ENV: 'production',
        BENCH_SERVICE_SECRET: fixture.service.secret,
        BENCH_WEB_SECRET: fixture.web.secret,
        GATEHOUSE_ADMIN_PASSWORD: fixture.administrator.password,
      },
    }
  },
}

const configuration = ({
  service,
  web,
  resources,
  ttlSeconds,
}: Parameters<Side['prepare']>[0]['fixture']): unknown => ({
  clients: [
    {
      client_id: service.id,
      client_name: 'A service',
      grant_types: ['client_credentials'],
      scope: resources.scope,
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: { env: 'BENCH_SERVICE_SECRET' },
    },
    {
      client_id: web.id,
      client_name: 'A web application',
      redirect_uris: [web.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: `openid offline_access ${resources.scope}`,
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: { env: 'BENCH_WEB_SECRET' },
    },
  ],
  resources: (['opaque', 'jwt'] as const).map((format) => ({
    resource: resources[format],
    scope: resources.scope,
    access_token: { format, ttl: ttlSeconds.access },
  })),
})
