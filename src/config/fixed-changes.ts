import type { Config } from './config.ts'
import { revealed } from './hand-config.ts'

/** What a reload is for, and what isn't told by the file. */
type Free = 'clients' | 'resources' | 'users' | 'issuerAssumed' | 'keySecret' | 'adminPassword' | 'file'

/** What a running server can't change, by the name that the operator knows. */
const fixed = {
  issuer: 'issuer',
  listen: 'listen',
  dataDirectory: 'data',
  store: 'store',
  trustedProxies: 'trusted_proxies',
  pages: 'pages',
  eventTtl: 'events',
  mail: 'mail',
  audit: 'audit',
  metricsPort: 'metrics',
  logLevel: 'log',
  workers: 'workers',
  providers: 'providers',
} as const satisfies Record<Exclude<keyof Config, Free>, string>

const fixedKeys = Object.keys(fixed) as readonly (keyof typeof fixed)[]

/** One line for each thing that differs and takes a restart. */
export function fixedChanges(running: Config, wanted: Config): readonly string[] {
  return fixedKeys
    .filter((key) => revealed({ part: running[key] }) !== revealed({ part: wanted[key] }))
    .map((key) => `${fixed[key]} can't change while the server runs; restart it, or take the change back`)
}
