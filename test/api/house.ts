import { generateKeyPairSync } from 'node:crypto'
import { createApi } from '../../src/api/create-api.ts'
import type { ApiContext } from '../../src/api/context.ts'
import { createUser } from '../../src/accounts/create-user.ts'
import type { NewUser } from '../../src/accounts/new-user.ts'
import { createClient } from '../../src/accounts/create-client.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { createResource } from '../../src/accounts/write-resource.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { Actor } from '../../src/domain/authority.ts'
import { buckets } from '../../src/domain/bucket.ts'
import type { Client } from '../../src/domain/client.ts'
import { epochOf } from '../../src/domain/epoch.ts'
import type { AuditEvent } from '../../src/domain/event.ts'
import type { Grant } from '../../src/domain/grant.ts'
import { keyLifetimes } from '../../src/domain/key-lifecycle.ts'
import { create, ref, type Kind, type RecordValues, type Ref } from '../../src/domain/record.ts'
import { startSession } from '../../src/domain/session-state.ts'
import type { User } from '../../src/domain/user.ts'
import { openKeys } from '../../src/keys/keys.ts'
import { openProtection } from '../../src/keys/protection.ts'
import { createLimits } from '../../src/limits/limits.ts'
import type { HttpRequest, HttpResponse } from '../../src/protocol/http.ts'
import type { Reason } from '../../src/protocol/reasons.ts'
import { createDirectory } from '../../src/store/directory.ts'
import { ensureInstance } from '../../src/store/ensure-instance.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { commitNew } from '../../src/store/transition.ts'
import { mint } from '../../src/tokens/mint.ts'
import { signed, type Signer } from '../kit/sign.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'
import { etsyProvider } from '../vault/house.ts'

export const issuer = 'https://as.example'
export const goodPassword = 'correct horse battery staple'
const cli: Actor = { kind: 'cli' }

/** An answer, with its body parsed where it has one. */
export type Answer = {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly text: string
  readonly body: Record<string, unknown>
}

export type Ask = {
  /** Who signs the call, in place of a token. */
  readonly signedBy?: Signer | undefined
  readonly token?: string | undefined
  /** Sent as JSON; a text is sent as it is. */
  readonly body?: unknown
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type TokenWishes = {
  readonly user?: User
  readonly client: Client
  readonly scope: string
  readonly audience?: readonly string[]
  /** Seconds since the person signed in. */
  readonly signedInAgo?: number | 'untold'
  readonly sessionId?: string
  readonly format?: 'jwt' | 'opaque' | 'macaroon'
}

/** A provider that nobody asks. */
const nowhere = { url: 'https://etsy.example', keystring: 'k', sharedSecret: 's' }

export type House = Awaited<ReturnType<typeof openHouse>>

/** The API on a store in memory, with real keys and tokens, a clock that tests move, and passwords that cost nothing. */
export async function openHouse() {
  const { store: opened, admin } = openMemoryStore()
  let commits = 0
  const store: typeof opened = {
    ...opened,
    commit: (writes) => {
      commits += 1
      return opened.commit(writes)
    },
  }
  let millis = 1_800_000_000_000
  const clock = { millis: () => millis, seconds: () => Math.floor(millis / 1000), monotonic: () => millis }
  const random = createRandom()
  const transition = { store, clock, random }
  const instance = await ensureInstance(transition, { clock, random })
  const protection = await openProtection(
    { secret: Buffer.from(random.bytes(48)).toString('base64') },
    { store, instanceId: instance.instanceId, random },
  )
  const keys = await openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => undefined })
  const directory = await createDirectory({ store, admin, clock })
  const refusals: Reason[] = []
  const context: ApiContext = {
    upstream: { providers: new Map([['etsy', etsyProvider(nowhere)]]) },
    vault: { finishRecalls: () => undefined },
    issuer,
    trustsProxies: false,
    look: { productName: 'Gatehouse' },
    clock,
    random,
    transition,
    keys,
    protection: () => Promise.resolve(protection),
    directory,
    limits: createLimits({ clock }),
    usersPolicy: () => ({ registration: 'open' }),
    outbox: undefined,
    passwords: plainPasswords,
    strength: (password) => Promise.resolve(password.includes('guess') ? { score: 1, suggestions: [] } : undefined),
    observer: { refused: (_endpoint, refusal) => void refusals.push(refusal.reason) },
  }
  const routes = createApi(context)

  async function ask(
    method: string,
    path: string,
    { token, signedBy, body: given, query = '', headers = {} }: Ask = {},
  ): Promise<Answer> {
    const body = given === undefined ? '' : typeof given === 'string' ? given : JSON.stringify(given)
    const url = `${issuer}${path}${query === '' ? '' : `?${query}`}`
    const proof = signedBy === undefined ? {} : signed({ method, url, body }, signedBy, { now: clock.seconds() })
    for (const route of routes) {
      const params = route.method === method ? paramsOf(route.path, path) : undefined
      if (params === undefined) continue
      const request: HttpRequest = {
        method,
        path,
        query,
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...proof, ...headers },
        repeated: new Set(),
        body,
        params,
        peer: { address: '192.0.2.7', socketAddress: '192.0.2.7', localAddress: '192.0.2.1', forwarded: false },
      }
      return answerOf(await route.handle(request))
    }
    throw new Error(`no route for ${method} ${path}`)
  }

  async function makeUser(wanted: Partial<NewUser> = {}): Promise<User> {
    const username =
      wanted.username ??
      `user-${random
        .text(6)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '0')}`
    return done(
      await createUser(context, cli, {
        password: wanted.bot === true ? undefined : goodPassword,
        ...wanted,
        username,
      } as NewUser),
    )
  }

  async function makeClient(document: Record<string, unknown> = {}): Promise<Client> {
    const defaults = { redirect_uris: ['https://app.example/cb'], scope: 'openid me admin admin:read' }
    return done(await createClient(context, cli, { ...defaults, ...document })).client
  }

  /** A client that signs its calls and holds one narrow power. */
  async function makeSigner(scope: string): Promise<Signer> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const { clientId } = await makeClient({
      redirect_uris: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'http_message_signature',
      scope,
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }) }] },
    })
    return { clientId, key: { privateKey: String(privateKey.export({ format: 'pem', type: 'pkcs8' })) } }
  }

  async function put<K extends Kind>(
    target: Ref<K>,
    value: RecordValues[K],
    owners: readonly string[],
    expiresAt: number | null = null,
  ) {
    await commitNew(transition, [create(target, value, { owners, expiresAt })])
  }

  async function makeGrant(user: User, client: Client, about: Partial<Grant> = {}): Promise<string> {
    const grantId = random.id(millis)
    const now = clock.seconds()
    const grant: Grant = {
      v: 1,
      clientId: client.clientId,
      userId: user.userId,
      scope: ['openid', 'me'],
      resources: [],
      epoch: epochOf(await directory.instance(), user, client),
      createdAt: now,
      authentication: { authTime: now, acr: 'pwd', amr: ['pwd'] },
      deviceName: 'curl',
      ...about,
    }
    const { sessionId } = grant.authentication
    const owners = [
      user.userId,
      `client:${client.clientId}`,
      ...(sessionId === undefined ? [] : [`session:${sessionId}`]),
    ]
    await put(ref('grant', grantId), grant, owners, now + 3_600)
    return grantId
  }

  async function makeSession(user: User): Promise<string> {
    const sessionId = random.id(millis)
    const now = clock.seconds()
    const session = startSession({
      user,
      instance: await directory.instance(),
      now,
      persistent: false,
      amr: ['pwd'],
      acr: 'pwd',
      nonce: random.text(16),
      keyId: keys.secret('cookie').keyId,
      device: 'Firefox on Linux',
    })
    await put(ref('session', sessionId), session, [user.userId], now + 7_200)
    return sessionId
  }

  async function makeConsent(user: User, client: Client): Promise<void> {
    const now = clock.seconds()
    const { userId, epoch } = user
    const consent = {
      v: 1,
      userId,
      clientId: client.clientId,
      scope: ['openid'],
      resources: [],
      claims: [],
      epoch,
      givenAt: now,
    } as const
    const target = ref('consent', `${userId}:${client.clientId}`)
    if ((await readAlive(store, target, now)) !== undefined) return
    await put(target, consent, [userId, `client:${client.clientId}`], now + 86_400)
  }

  async function makeConnection({ userId }: User): Promise<string> {
    const id = random.id(clock.millis())
    const now = clock.seconds()
    const connection = {
      v: 1,
      provider: 'etsy',
      owner: { kind: 'user', userId },
      clientId: 'web',
      state: 'active',
      account: '12345678',
      scope: ['shops_r'],
      sealed: 'sealed',
      keyId: 'key',
      edition: 1,
      refreshable: true,
      issuedAt: now,
      expiresAt: now + 3600,
      createdAt: now,
      updatedAt: now,
      lastUsedAt: now,
    } as const
    await put(ref('connection', id), connection, [userId, 'provider:etsy'], undefined)
    return id
  }

  /** An authenticator and a passkey, which nobody can show: for calls about what is stored. Answers the id of the passkey. */
  async function makeFactors({ userId }: User): Promise<string> {
    const target = ref('factors', userId)
    const createdAt = clock.seconds()
    const about = { publicKey: 'AA', counter: 0, synced: false, name: 'My phone', createdAt }
    const passkeys = [{ id: 'a-passkey', ...about }]
    const authenticator = { sealed: 'sealed', lastStep: 0, createdAt }
    if ((await readAlive(store, target, createdAt)) === undefined)
      await put(target, { v: 1, authenticator, passkeys, recoveryHashes: [] }, [userId])
    return 'a-passkey'
  }

  async function makeIdentity({ userId }: User): Promise<string> {
    const target = ref('identity', `${userId}:hub`)
    if ((await readAlive(store, target, clock.seconds())) !== undefined) return 'hub'
    const linked = await linkIdentity(context, {
      actor: cli,
      userId,
      identity: { provider: 'hub', issuer: 'https://hub.example', subject: `at hub ${userId}`, label: 'somebody' },
    })
    if ('refused' in linked) throw new Error(linked.refused.detail)
    return 'hub'
  }

  /** A token as our own token endpoint would make it, and its `jti`. */
  async function makeToken({
    user,
    client,
    scope,
    audience = [issuer],
    signedInAgo = 0,
    sessionId,
    format = 'jwt',
  }: TokenWishes) {
    const now = clock.seconds()
    const authentication =
      user === undefined
        ? undefined
        : {
            ...(signedInAgo !== 'untold' && { authTime: now - signedInAgo }),
            acr: 'mfa',
            amr: ['pwd', 'otp', 'mfa'],
            ...(sessionId !== undefined && { sessionId }),
          }
    const scopes = scope.split(' ').filter((one) => one !== '')
    const grantId =
      user === undefined || authentication === undefined
        ? random.id(millis)
        : await makeGrant(user, client, { scope: scopes, authentication })
    const { accessToken, claims } = mint(keys, {
      issuer,
      client,
      subject: user?.userId ?? client.clientId,
      scope: scopes,
      audience,
      format,
      ttl: 900,
      now,
      jti: random.id(millis),
      grantId,
      epoch: epochOf(await directory.instance(), user, client),
      authentication,
    })
    return { token: accessToken, jti: claims.jti, grantId }
  }

  return {
    context,
    store,
    routes,
    ask,
    makeUser,
    makeClient,
    makeSigner,
    makeGrant,
    makeSession,
    makeConsent,
    makeIdentity,
    makeFactors,
    makeConnection,
    makeToken,
    makeResource: async (resource: string) =>
      done(await createResource(context, { actor: cli, issuer }, { resource, scope: 'read write' })),
    put,
    read: <K extends Kind>(target: Ref<K>) => readAlive(store, target, clock.seconds()),
    close: () => admin.close(),
    /** How often anything was written so far. */
    commits: () => commits,
    /** Move the clock on. */
    wait: (seconds: number) => void (millis += seconds * 1000),
    /** Reasons that the operator was told since the last look. */
    refusals: () => refusals.splice(0),
    events: async (): Promise<readonly AuditEvent[]> => {
      const found: AuditEvent[] = []
      for (const bucket of buckets) {
        for (let after: string | undefined; ;) {
          const page = await store.list('event', bucket, { limit: 100, ...(after !== undefined && { after }) })
          found.push(...page.records.map((record) => record.value as AuditEvent))
          if (page.next === null) break
          after = page.next
        }
      }
      return found
    },
  }
}

export function done<T>(outcome: { readonly done: T } | { readonly refused: { readonly detail?: string } }): T {
  if ('refused' in outcome) throw new Error(`refused: ${outcome.refused.detail}`)
  return outcome.done
}

function paramsOf(template: string, path: string): Record<string, string> | undefined {
  const names = template.split('/')
  const given = path.split('/')
  if (names.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const value = given[index] ?? ''
    if (name.startsWith(':')) params[name.slice(1)] = value
    else if (name !== value) return undefined
  }
  return params
}

function answerOf({ status, headers, body }: HttpResponse): Answer {
  const text = body === null ? '' : typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
  return {
    status,
    header: (name) => headers.find(([one]) => one === name)?.[1],
    text,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  }
}
