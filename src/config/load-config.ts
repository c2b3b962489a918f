import { dirname, resolve } from 'node:path'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { checkEntries } from './check-entries.ts'
import { logLevels } from './config.ts'
import type { Config, PageSettings } from './config.ts'
import { parseIssuer } from './issuer.ts'
import { layers } from './layers.ts'
import type { Layers } from './layers.ts'
import { readConfigFile } from './read-config-file.ts'
import type { ConfigFile } from './read-config-file.ts'
import { readAudit } from './read-audit.ts'
import { leftOut } from './read-secret.ts'
import { readMail } from './read-mail.ts'
import { readPicture } from './read-picture.ts'
import { readEnvironment } from './read-environment.ts'
import type { Environment } from './read-environment.ts'
import type { FileShape } from './schema.ts'
import { secretWeakness } from './strong-secret.ts'
import { secretValue } from './secret-value.ts'
import type { SettingName, TextSettings } from './settings.ts'
import { parseStoreAddress } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

export type ConfigSources = {
  readonly flags: TextSettings
  readonly environment: Environment
  /** The content of a file; undefined if there is none. Throws if it can't be read. */
  readonly readFile: (path: string) => Uint8Array | undefined
  /** Absolute. Paths in flags and environment are relative to it, paths in the file to the file. */
  readonly workingDirectory: string
  /** Those of clients and providers aren't looked up, and can't be revealed. */
  readonly withoutSecrets?: boolean
}

export type LoadedConfig =
  | { readonly config: Config; readonly warnings: readonly string[] }
  /** One line each: where, which key, what is wrong, the mend. */
  | { readonly problems: readonly string[] }

const defaultFile = 'gatehouse.yaml'
const mostWorkers = 64

/**
 * The configuration from its three sources, in rising order: file, environment (GATEHOUSE_*), flags.
 * Whatever isn't understood is a problem, never a default.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const environment = readEnvironment(sources.environment)
  const above = layers(sources.flags, environment.values)
  const named = above.said('config')?.text
  const path = resolve(sources.workingDirectory, named ?? defaultFile)
  const readText = (at: string): string | undefined => textOf(sources.readFile(at))
  const file = readConfigFile(path, named !== undefined, readText)
  if ('problems' in file) return file

  const fromFile = (relative: string): string => resolve(dirname(path), relative)
  const fromHere = (relative: string): string => resolve(sources.workingDirectory, relative)
  const { shape } = file
  const problems: string[] = []

  const logLevel = readLogLevel(above, shape, problems)
  const listen = {
    host: above.said('host')?.text ?? shape.listen?.host ?? '127.0.0.1',
    port: readPort(above, { name: 'port', lowest: 0 }, problems) ?? shape.listen?.port ?? 8080,
  }
  const metricsPort = readPort(above, { name: 'metricsPort', lowest: 1 }, problems) ?? shape.metrics?.port
  if (metricsPort === listen.port && coversLoopback(listen.host)) {
    problems.push(
      `${above.said('metricsPort')?.label ?? key(file, 'metrics', 'port')} is the port of the server itself; choose another`,
    )
  }
  const issuer = readIssuer({ above, file, port: listen.port }, problems)
  const data = above.said('data')?.text
  const dataDirectory =
    data !== undefined ? fromHere(data) : shape.data !== undefined ? fromFile(shape.data) : fromHere('data')
  const store = readStore({ above, file, paths: { fromFile, fromHere, dataDirectory } }, problems)
  const workers = readWorkers(above, store, problems)
  const keySecret = sources.environment['GATEHOUSE_SECRET']
  const weakness = keySecret === undefined ? undefined : secretWeakness(keySecret)
  if (weakness !== undefined) problems.push(`GATEHOUSE_SECRET ${weakness}`)
  const adminPassword = sources.environment['GATEHOUSE_ADMIN_PASSWORD']

  const mail = readMail(
    { above, file, issuer, environment: sources.environment, readText: (relative) => readText(fromFile(relative)) },
    problems,
  )
  const places = {
    variable: (name: string) => sources.environment[name],
    file: (relative: string) => readText(fromFile(relative)),
  }
  const audit = readAudit(file, { fromFile, ...places }, problems)
  const pages = readPages(file, (relative) => readPicture(fromFile(relative), sources.readFile), problems)

  const entries = checkEntries(shape, issuer, sources.withoutSecrets === true ? leftOut : places)
  problems.push(...entries.problems.map((found) => `${file.place(found.path)}: ${found.problem}`))

  if (problems.length > 0 || issuer === undefined || store === undefined) return { problems }
  const config: Config = {
    issuer,
    ...(isAssumed(above, shape) && { issuerAssumed: true }),
    listen,
    dataDirectory,
    store,
    trustedProxies: shape.trusted_proxies,
    ...(metricsPort !== undefined && { metricsPort }),
    logLevel,
    ...(workers > 1 && { workers }),
    users: {
      registration: shape.users.registration,
      ...(shape.users.second_factor.length > 0 && { secondFactor: shape.users.second_factor }),
    },
    ...(mail !== undefined && { mail }),
    eventTtl: shape.events.keep_days * 86_400,
    ...(audit !== undefined && { audit }),
    pages,
    clients: entries.clients,
    resources: entries.resources,
    providers: entries.providers,
    ...(keySecret !== undefined && { keySecret: secretValue(keySecret) }),
    ...(adminPassword !== undefined && { adminPassword: secretValue(adminPassword) }),
    ...(file.found && { file: path }),
  }
  return { config, warnings: environment.warnings }
}

/** `FILE:LINE:COLUMN: a.b`, for complaints about values of the file. */
const key = (file: ConfigFile, ...path: string[]): string => `${file.place(path)}: ${path.join('.')}`

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

function readPages(
  file: ConfigFile,
  read: (path: string) => ReturnType<typeof readPicture>,
  problems: string[],
): PageSettings {
  const { product_name: productName, logo, privacy_policy: privacyPolicy, terms, accent } = file.shape.pages
  const picture = logo === undefined ? undefined : read(logo)
  if (picture !== undefined && 'problem' in picture) problems.push(`${key(file, 'pages', 'logo')} ${picture.problem}`)
  return {
    ...(productName !== undefined && { productName }),
    ...(picture !== undefined && 'address' in picture && { logo: picture.address }),
    ...(privacyPolicy !== undefined && { privacyPolicy }),
    ...(terms !== undefined && { terms }),
    ...(accent !== undefined && { accent }),
  }
}

function readWorkers(above: Layers, store: StoreAddress | undefined, problems: string[]): number {
  const said = above.said('workers')
  if (said === undefined) return 1
  const workers = /^[1-9]\d?$/.test(said.text) ? Number(said.text) : 0
  if (workers < 1 || workers > mostWorkers) problems.push(`${said.label} must be a number from 1 to ${mostWorkers}`)
  else if (workers > 1 && store?.adapter === 'memory')
    problems.push(`${said.label} ${workers} needs a store that processes can share; name another than memory:`)
  return workers
}

function readLogLevel(above: Layers, shape: FileShape, problems: string[]): Config['logLevel'] {
  const said = above.said('logLevel')
  const level = logLevels.find((candidate) => candidate === (said?.text ?? shape.log?.level ?? 'info'))
  if (level === undefined && said !== undefined) problems.push(`${said.label} must be one of ${logLevels.join(', ')}`)
  return level ?? 'info'
}

/** What was read so far: flags and environment, which count more, and the file. */
type Read = { readonly above: Layers; readonly file: ConfigFile }

function readPort(
  above: Layers,
  { name, lowest }: { readonly name: SettingName; readonly lowest: 0 | 1 },
  problems: string[],
): number | undefined {
  const said = above.said(name)
  if (said === undefined) return undefined
  const port = /^(?:0|[1-9]\d{0,4})$/.test(said.text) ? Number(said.text) : -1
  if (port < lowest || port > 65_535) problems.push(`${said.label} must be a port number from ${lowest} to 65535`)
  return port
}

const isAssumed = (above: Layers, { issuer, listen }: FileShape): boolean =>
  (above.said('issuer') ?? above.said('port') ?? issuer ?? listen?.port) === undefined

function readIssuer({ above, file, port }: Read & { readonly port: number }, problems: string[]): string | undefined {
  const said = above.said('issuer')
  const text = said?.text ?? file.shape.issuer
  if (text === undefined && port === 0) {
    problems.push(
      `${above.said('port')?.label ?? key(file, 'listen', 'port')} 0 needs an issuer, since the port isn't known before; add --issuer`,
    )
    return undefined
  }
  const result = parseIssuer(text ?? `http://localhost:${port}`)
  if ('issuer' in result) return result.issuer
  // With a bad port the default issuer is bad too; one complaint is enough.
  if (text !== undefined) problems.push(`${said?.label ?? key(file, 'issuer')} ${result.problem}`)
  return undefined
}

function readStore(
  {
    above,
    file,
    paths,
  }: Read & {
    readonly paths: {
      readonly fromFile: (path: string) => string
      readonly fromHere: (path: string) => string
      readonly dataDirectory: string
    }
  },
  problems: string[],
): StoreAddress | undefined {
  const said = above.said('store')
  const text = said?.text ?? file.shape.store
  if (text === undefined) return { adapter: 'sqlite', path: resolve(paths.dataDirectory, 'gatehouse.db') }
  const result = parseStoreAddress(text, said === undefined ? paths.fromFile : paths.fromHere)
  if ('address' in result) return result.address
  problems.push(`${said?.label ?? key(file, 'store')} ${result.problem}`)
  return undefined
}

function coversLoopback(host: string): boolean {
  return isLoopbackHost(host) || host === '0.0.0.0' || host === '::'
}
