import { createClient } from '../../src/accounts/create-client.ts'
import { createUser } from '../../src/accounts/create-user.ts'
import { createResource } from '../../src/accounts/write-resource.ts'
import type { Config, UsersPolicy } from '../../src/config/config.ts'
import type { PasswordPool } from '../../src/crypto/password-pool.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { Client } from '../../src/domain/client.ts'
import type { Role, User } from '../../src/domain/user.ts'
import type { Clock } from '../../src/protocol/time.ts'
import type { Core } from '../../src/endpoints/core.ts'
import type { Letter } from '../../src/mail/letter.ts'
import { openGatehouse } from '../../src/server/gatehouse.ts'
import { createShell, type Timeouts } from '../../src/server/http.ts'
import { createLog } from '../../src/server/log.ts'
import { createMetricsText } from '../../src/server/metrics-text.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { createObserver } from '../../src/server/observer.ts'
import { createErrorPage } from '../../src/server/error-page.ts'
import { routesOf } from '../../src/server/routes.ts'
import { freePort } from './free-port.ts'

export type TestClock = Clock & {
  readonly advance: (seconds: number) => void
  /**
   * From now on only `advance` moves it, until what comes back is called: for budgets that fill again while a busy machine gets
   * through a test.
   */
  readonly stand: () => () => void
}

/** Real time plus what a test adds to it: lifetimes can be waited out, timeouts of sockets go on. */
export function createTestClock(): TestClock {
  let added = 0
  let stood: { readonly wall: number; readonly monotonic: number } | undefined
  const millis = (): number => (stood?.wall ?? Date.now()) + added * 1000
  return {
    millis,
    seconds: () => Math.floor(millis() / 1000),
    monotonic: () => (stood?.monotonic ?? performance.now()) + added * 1000,
    advance: (seconds) => {
      added += seconds
    },
    stand: () => {
      stood = { wall: Date.now(), monotonic: performance.now() }
      return () => (stood = undefined)
    },
  }
}

export type MadeClient = {
  readonly clientId: string
  readonly secret: string
  /** base32; only for a client that must send one-time codes. */
  readonly oneTimeCodeSecret?: string
  readonly record: Client
  readonly basic: string
}

/** A server in this process, on a real socket. */
export type TestGatehouse = {
  /** The issuer. */
  readonly url: string
  /** Where it listens: differs from `url` where the issuer is a name that nothing resolves. */
  readonly origin: string
  readonly port: number
  readonly config: Config
  readonly core: Core
  readonly clock: TestClock
  /** Everything that was logged, one JSON line each. */
  readonly logged: () => string
  /** Letters that were sent, where the configuration has `mail: { by: 'log' }`. */
  readonly letters: readonly Letter[]
  /** What a scraper would read at `/metrics`. */
  readonly metricsText: () => Promise<string>
  readonly makeUser: (
    username: string,
    options?: { readonly role?: Role; readonly password?: string; readonly email?: string },
  ) => Promise<User>
  /** RFC 7591 names. Default: a confidential client `app` with everything ordinary. */
  readonly makeClient: (metadata?: Readonly<Record<string, unknown>>) => Promise<MadeClient>
  readonly makeResource: (document: Readonly<Record<string, unknown>>) => Promise<void>
  /** As a reload of the configuration does. */
  readonly follow: (policy: UsersPolicy) => void
  readonly close: () => Promise<void>
}

/** Found nowhere else: it is a canary too. */
export const password = 'a kingfisher over 7 canals'

export type TestOptions = {
  readonly config?: Partial<Config>
  readonly store?: Config['store']
  readonly dataDirectory?: string
  readonly clock?: TestClock
  /** In place of hashing in threads. */
  readonly passwords?: PasswordPool
  /** Of the shell; in milliseconds. */
  readonly timeouts?: Partial<Timeouts>
}

export async function startGatehouse(options: TestOptions = {}): Promise<TestGatehouse> {
  const port = await freePort()
  const clock = options.clock ?? createTestClock()
  const lines: string[] = []
  const log = createLog({ level: 'debug', clock, destination: { write: (line) => void lines.push(line) } })
  const metrics = createMetrics()
  const config: Config = {
    issuer: `http://localhost:${port}`,
    listen: { host: '127.0.0.1', port },
    dataDirectory: options.dataDirectory ?? '/nonexistent',
    store: options.store ?? { adapter: 'memory' },
    trustedProxies: [],
    logLevel: 'debug',
    users: { registration: 'closed' },
    eventTtl: 400 * 86_400,
    pages: {},
    clients: [],
    resources: [],
    providers: [],
    keySecret: { reveal: () => testSecret, toJSON: () => '', toString: () => '' },
    ...options.config,
  }
  const system = { clock, random: createRandom() }
  const letters: Letter[] = []
  const { core, follow, close } = await openGatehouse(config, system, {
    onLetter: (letter) => void letters.push(letter),
    observer: createObserver(log, metrics),
    onKeyEvent: () => undefined,
    onCommit: metrics.storeCommit,
    ...(options.passwords === undefined ? {} : { passwords: options.passwords }),
    onFatal: (reason) => {
      throw reason
    },
  })
  const shell = createShell({
    routes: routesOf(core),
    config: { issuer: config.issuer, trustedProxies: config.trustedProxies, listen: config.listen },
    // Test and server share an event loop, which is late whenever the machine is busy, and a test's clock may go on by minutes between
    // two of its turns: the shell sees whole seconds of real time alone, so that it never believes itself overloaded.
    system: { ...system, clock: { ...clock, monotonic: () => Math.floor(performance.now() / 1000) * 1000 } },
    log,
    metrics,
    errorPage: createErrorPage(core.look),
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
  })
  await shell.listen()
  const accounts = { ...core, strength: async () => undefined }
  let metricsText: ReturnType<typeof createMetricsText> | undefined
  const cli = { kind: 'cli' } as const

  return {
    url: config.issuer,
    origin: `http://localhost:${config.listen.port}`,
    port: config.listen.port,
    config,
    core,
    clock,
    letters,
    logged: () => lines.join(''),
    metricsText: async () => (await (metricsText ??= createMetricsText(metrics)))(),
    makeUser: async (username, { role, email, password: own } = {}) =>
      done(
        await createUser(accounts, cli, {
          username,
          password: own ?? password,
          ...(role === undefined ? {} : { role }),
          ...(email === undefined ? {} : { email }),
        }),
      ),
    makeClient: async (metadata = {}) => {
      const made = done(await createClient(core, cli, { ...ordinaryClient, ...metadata }))
      const { clientId } = made.client
      const secret = made.secret ?? ''
      return {
        clientId,
        secret,
        ...(made.oneTimeCodeSecret !== undefined && { oneTimeCodeSecret: made.oneTimeCodeSecret }),
        record: made.client,
        basic: `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`)}`,
      }
    },
    makeResource: async (document) =>
      void done(await createResource(core, { actor: cli, issuer: config.issuer }, document)),
    follow,
    close: async () => {
      await shell.close()
      await close()
    },
  }
}

export const testSecret = 'q7Vb1kzL0fYx2mNc8TgRw5PdJhAe3UsXo9iZtKuQrMvE4yBnCl6GjHFpDaSqWxOI'

const ordinaryClient = {
  client_id: 'app',
  client_name: 'The App',
  redirect_uris: ['https://app.example/cb'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'openid profile email offline_access read write',
}

function done<T>(outcome: { readonly done: T } | { readonly refused: unknown }): T {
  if ('done' in outcome) return outcome.done
  throw new Error(`the kit asked for something that was refused: ${JSON.stringify(outcome.refused)}`)
}
