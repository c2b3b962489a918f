import type { Config } from './config.ts'
import type { Provider } from './provider.ts'

/** What a running server can't change, by the name that the operator knows. */
const fixed: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
  ['issuer', (config) => config.issuer],
  ['listen', (config) => config.listen],
  ['data', (config) => config.dataDirectory],
  ['store', (config) => config.store],
  ['trusted_proxies', (config) => config.trustedProxies],
  ['pages', (config) => config.pages],
  ['events', (config) => config.eventTtl],
  ['mail', (config) => config.mail && { ...config.mail, url: 'url' in config.mail ? config.mail.url.reveal() : '' }],
  [
    'audit',
    ({ audit }) => audit && { ...audit, authorization: 'authorization' in audit && audit.authorization?.reveal() },
  ],
  ['metrics', (config) => config.metricsPort],
  ['log', (config) => config.logLevel],
  ['workers', (config) => config.workers],
  ['providers', (config) => config.providers.map(withSecrets)],
]

/** Printed as it is, a provider hides whether its secret is another one. */
function withSecrets(provider: Provider): unknown {
  if (provider.kind === 'site-login') return provider
  const { clientSecret, sharedSecret } = provider
  return { ...provider, clientSecret: clientSecret?.reveal(), sharedSecret: sharedSecret?.reveal() }
}

/** One line for each thing that differs and takes a restart. Clients, resources and the users' policy may differ: they are what a reload is for. */
export function fixedChanges(running: Config, wanted: Config): readonly string[] {
  return fixed
    .filter(([, of]) => JSON.stringify(of(running)) !== JSON.stringify(of(wanted)))
    .map(([name]) => `${name} can't change while the server runs; restart it, or take the change back`)
}

/** All of it as one text, secrets included: two processes with the same serve alike. */
export function fixedText(config: Config): string {
  return JSON.stringify(fixed.map(([, of]) => of(config)))
}
