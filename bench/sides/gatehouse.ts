import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Place, Side } from './side.ts'

const root = join(import.meta.dirname, '..', '..')

/** Ours, as an operator starts it: the CLI, a configuration file, SQLite with synchronous=FULL, audit events on. */
const started = (entry: string, name = 'gatehouse'): Side => ({
  name,
  title: 'Gatehouse, SQLite durable, audit events included',
  readyPath: '/readyz',
  prepare: (place) => {
    const { configFile, data, env } = prepareFiles(place)
    const port = String(place.port)
    const flags = ['--config', configFile, '--data', data, '--port', port, '--issuer', `http://localhost:${port}`]
    return { args: [entry, 'serve', ...flags, '--log-level', 'error'], env }
  },
})

/** The TypeScript of this clone, as `npm start` runs it. */
export const gatehouseFromSource = started(join(root, 'src/cli/main.ts'))

/** The TypeScript of another clone, the one of yesterday perhaps. */
export const gatehouseOfClone = (clone: string): Side => started(resolve(clone, 'src/cli/main.ts'), 'before')

/** The compiled JavaScript that is published. Build it first. */
export const gatehouseCompiled = started(join(root, 'bench/built/dist/cli/main.js'))

/** Compiles this clone, and keeps a copy that no other build takes away in the middle of a round. */
export const buildGatehouse = (): void => {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.ts')], { stdio: ['ignore', 2, 2] })
  const built = join(root, 'bench', 'built')
  rmSync(built, { recursive: true, force: true })
  cpSync(join(root, 'dist'), join(built, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(built, 'package.json'))
}

/** The same with two workers, on whatever cores there are. */
export const byTwoWorkers = (side: Side): Side => ({
  ...side,
  name: 'two-workers',
  title: `${side.title}; serve --workers 2`,
  core: 'any',
  prepare: (place) => {
    const { args, env } = side.prepare(place)
    return { args: [...args, '--workers', '2'], env }
  },
})

export const strangersProvider = 'etsy'

/** The same with a provider at which strangers may begin. Nobody gets there, so it is none that answers. */
export const allowingStrangers = (side: Side): Side => ({
  ...side,
  prepare: (place) => {
    const { args, env } = side.prepare(place)
    const provider = {
      name: strangersProvider,
      preset: 'etsy',
      client_id: 'keystring',
      shared_secret: { env: 'BENCH_ETSY_SECRET' },
      anonymous: true,
    }
    const configured = { ...configuration(place.fixture), providers: [provider] }
    writeFileSync(join(place.directory, configName), JSON.stringify(configured, null, 2))
    return { args, env: { ...env, BENCH_ETSY_SECRET: randomBytes(24).toString('base64url') } }
  },
})

/** The same behind a proxy on this machine, which says where requests come from. */
export const behindProxy = (side: Side): Side => ({
  ...side,
  prepare: (place) => {
    const launch = side.prepare(place)
    const trusting = { ...configuration(place.fixture), trusted_proxies: ['127.0.0.1', '::1'] }
    writeFileSync(join(place.directory, configName), JSON.stringify(trusting, null, 2))
    return launch
  },
})

/** A side whose every fsync takes a millisecond more. Needs a C compiler. */
export const onSlowDisk = (side: Side): Side => ({
  ...side,
  name: 'slow-fsync',
  title: `${side.title}; every fsync takes 1 ms more`,
  prepare: (place) => {
    const library = join(place.directory, 'slow-fsync.so')
    const source = join(root, 'bench', 'ours', 'slow-fsync.c')
    execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: ['ignore', 2, 2] })
    const { args, env } = side.prepare(place)
    return { args, env: { ...env, LD_PRELOAD: library } }
  },
})

/** The same server embedded, so that it takes a password pool which compares instead of hashing. */
export const withoutHashing = (side: Side, clone: string): Side => ({
  ...side,
  prepare: (place) => {
    const { configFile, data, env } = prepareFiles(place)
    const fixtureFile = join(place.directory, 'fixture.json')
    writeFileSync(fixtureFile, JSON.stringify({ fixture: place.fixture }), { mode: 0o600 })
    const script = join(clone, 'bench', 'ours', 'serve-without-hashing.ts')
    return { args: [script, configFile, data, String(place.port), fixtureFile], env }
  },
})

export const gatehouseWithoutHashing: Side = withoutHashing(gatehouseFromSource, root)

const configName = 'gatehouse.yaml'

const prepareFiles = ({
  directory,
  fixture,
}: Place): { configFile: string; data: string; env: Record<string, string> } => {
  const configFile = join(directory, configName)
  // YAML is a superset of JSON: no writer needed.
  writeFileSync(configFile, JSON.stringify(configuration(fixture), null, 2))
  const env = {
    NODE_ENV: 'production',
    BENCH_SERVICE_SECRET: fixture.service.secret,
    BENCH_WEB_SECRET: fixture.web.secret,
    GATEHOUSE_ADMIN_PASSWORD: fixture.administrator.password,
  }
  return { configFile, data: join(directory, 'data'), env }
}

const configuration = ({ service, web, resources, ttlSeconds }: Place['fixture']) => ({
  clients: [
    {
      client_id: service.id,
      client_name: 'A service',
      grant_types: ['client_credentials'],
      scope: resources.scope,
      resources: [resources.opaque, resources.jwt],
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
