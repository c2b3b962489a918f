import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { Provider } from '../config/provider.ts'
import { createOutbound } from '../outbound/create-outbound.ts'
import type { Finding } from '../upstream/judge-metadata.ts'
import { printProvider } from '../upstream/print-provider.ts'
import { probeProvider } from '../upstream/probe-provider.ts'
import { probeSiteLogin } from '../upstream/probe-site-login.ts'
import { remoteCall } from './administer.ts'
import { all, type Document } from './administration.ts'
import { pages } from './call-api.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { storeSettings, textSettings, withServer, withSettings } from './options.ts'
import { card, table } from './print.ts'
import { readConfig } from './read-config.ts'
import { verb, type Options } from './verb.ts'

/** Adds `gatehouse provider`. */
export function registerProvider(program: Command, io: Io): void {
  const provider = program
    .command('provider')
    .description('providers of the configuration file, through which people sign in and whose tokens are kept')
  const configured = (command: Command): Command => withSettings(command, [...storeSettings, 'issuer', 'port'])
  const read = (options: Options): Config => readConfig(io, textSettings(options)).config

  /** Those of a running server, or of the file that one would read here. */
  const shown = async (options: Options): Promise<readonly Document[]> => {
    const call = remoteCall(io, options)
    if (call !== undefined) return all(pages(call, '/providers'))
    const config = read(options)
    return config.providers.map((one) => printProvider(one, config))
  }

  verb(withServer(configured(provider.command('list').description('every provider'))), io, async (_args, options) => {
    const items = await shown(options)
    return { json: { items }, text: table(items, ['name', 'kind', 'issuer', 'sign_in', 'callback_uri']) }
  })

  verb(
    withServer(configured(provider.command('show <name>').description('one provider, without its secrets'))),
    io,
    async ([name], options) => {
      const document = named(await shown(options), name)
      return { json: document, text: card(document) }
    },
  )

  verb(
    configured(
      provider.command('check <name>').description('ask the provider itself whether its entry fits, and say the mend'),
    ),
    io,
    async ([name], options) => {
      const config = read(options)
      const found = named(config.providers, name)
      const findings = await check(io, config, found)
      const items = [
        ...(found.allowInsecure
          ? [{ status: 'warn', detail: 'allow_insecure: what is sent there may be read on the way' }]
          : []),
        ...findings,
      ]
      const failed = items.filter(({ status }) => status === 'fail').length
      return {
        json: { name: found.name, checks: items },
        text: items.map(({ status, detail }) => `${status.padEnd(4)}  ${detail}\n`).join(''),
        ...(failed === 0 ? {} : { failure: `${failed} of ${items.length} checks failed; see above` }),
      }
    },
  )
}

async function check(io: Io, config: Config, provider: Provider): Promise<readonly Finding[]> {
  const { clock } = io.system
  const context = { clock, outbound: createOutbound({ contact: config.issuer }), upstreamServers: new Map() }
  if (provider.kind === 'site-login')
    return [
      { status: 'ok', detail: `logins go to ${provider.loginEndpoint}` },
      ...(await probeSiteLogin(context, provider)),
    ]
  const callback = config.issuer + provider.callbackPath
  return [
    { status: 'ok', detail: `register there the callback ${callback}` },
    ...(await probeProvider(context, provider, callback)),
  ]
}

function named<T extends { readonly name?: unknown }>(providers: readonly T[], name: string | undefined): T {
  const found = providers.find((provider) => provider.name === name)
  if (found !== undefined) return found
  const known = providers.map((provider) => String(provider.name)).join(', ')
  throw new CliFailure(
    `there is no provider of this name; ${known === '' ? 'the configuration file has none' : `known are ${known}`}`,
  )
}
