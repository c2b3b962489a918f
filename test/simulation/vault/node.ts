import { deriveMacKey } from '../../../src/crypto/mac.ts'
import type { Random } from '../../../src/crypto/random.ts'
import { bindConnection } from '../../../src/domain/connect.ts'
import { checkProvider } from '../../../src/config/check-provider.ts'
import { providerEntry } from '../../../src/config/provider-entry.ts'
import type { OAuthProvider } from '../../../src/config/provider.ts'
import { secretValue } from '../../../src/config/secret-value.ts'
import { recallsOf } from '../../../src/domain/recall.ts'
import { ref } from '../../../src/domain/record.ts'
import { protectWith } from '../../../src/keys/protection.ts'
import { createForwardClock } from '../../../src/server/forward-clock.ts'
import { createDirectory, type Directory } from '../../../src/store/directory.ts'
import { announcedIn, hearOwnChanges } from '../../../src/store/hear-own-changes.ts'
import type { OpenStore, StampedWrite, Store } from '../../../src/store/port.ts'
import { createRecent } from '../../../src/store/recent.ts'
import { transition } from '../../../src/store/transition.ts'
import { StoreUnavailable } from '../../../src/store/unavailable.ts'
import { createUpstream, type Upstream } from '../../../src/upstream/create-upstream.ts'
import type { VaultContext } from '../../../src/vault/context.ts'
import { createVault, type Vault } from '../../../src/vault/create-vault.ts'
import { obtainConnection } from '../../../src/vault/obtain-connection.ts'
import type { Dice } from '../dice.ts'
import { faultyStore, type Weather } from '../faulty-store.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import type { Sent } from './known.ts'
import type { VaultModel } from './model.ts'
import type { Provider } from './provider.ts'
import { createWire, type Roads } from './wire.ts'

/** A mistake, put in from outside the vault. */
export type Bend = {
  readonly store?: (store: Store) => Store
  readonly upstream?: (upstream: Upstream) => Upstream
  readonly monotonic?: (millis: number) => number
}

export type Surroundings = {
  readonly opened: OpenStore
  readonly scheduler: Scheduler
  readonly dice: Dice
  readonly weather: Weather
  readonly roads: Roads
  readonly network: Owner
  readonly provider: Provider<Sent>
  readonly model: VaultModel
  readonly onCommit: (writes: readonly StampedWrite[], by: Owner) => void
  readonly onError: (error: unknown) => void
  readonly bend: Bend
}

/** One server process with its vault. It lives until it crashes. */
export type VaultNode = Owner & {
  readonly context: VaultContext
  readonly directory: Directory
  readonly vault: Vault
  readonly cut: (off: boolean) => void
  readonly step: (millis: number) => void
}

export const issuer = 'https://as.example'
export const entry = readEntry({
  name: 'strict',
  preset: 'oauth2',
  title: 'Strict',
  issuer: 'https://provider.example',
  subject: { from: 'token_prefix' },
  client_id: 'gatehouse',
  token_endpoint_auth_method: 'none',
  authorization_endpoint: 'https://provider.example/authorize',
  token_endpoint: 'https://provider.example/token',
  revocation_endpoint: 'https://provider.example/revoke',
  connect_scope: 'read',
  refresh: 'rotating',
  anonymous: true,
})

/** As an operator would write it. */
function readEntry(text: object): OAuthProvider {
  const places = { variable: () => undefined, file: () => undefined }
  const checked = checkProvider(providerEntry.parse(text), { places })
  if ('provider' in checked && checked.provider.kind !== 'site-login') return checked.provider
  throw new Error(JSON.stringify(checked))
}

const secret = { keyId: 'k', key: deriveMacKey('a secret of the simulation', 'all of it') }
export const keys: VaultContext['keys'] = {
  secret: () => secret,
  secretById: (_, keyId) => (keyId === secret.keyId ? secret : undefined),
  signing: () => {
    throw new Error('nothing is signed here')
  },
  verification: () => undefined,
  importedKey: () => undefined,
  learn: () => Promise.resolve(false),
}

export function randomOf(dice: Dice): Random {
  const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => dice.below(256))
  const text = (size: number): string => Buffer.from(bytes(size)).toString('base64url')
  return {
    bytes,
    text,
    stamp: dice.text,
    id: (millis) => millis.toString(16).padStart(12, '0') + dice.text(),
  }
}

export async function startVaultNode(name: string, skewMillis: number, around: Surroundings): Promise<VaultNode> {
  const { opened, scheduler, dice, bend } = around
  const owner: Owner = { name }
  let skew = skewMillis
  let isCut = false
  const monotonic = bend.monotonic === undefined ? scheduler.now : () => bend.monotonic?.(scheduler.now()) ?? 0
  const clock = createForwardClock({ wall: () => Math.floor(scheduler.now() + skew), monotonic })
  const [instance] = await opened.store.read([ref('instance', 'self')])
  if (instance !== undefined && 'highWaterAt' in instance.value) clock.notBefore?.(instance.value.highWaterAt)
  const random = randomOf(dice)
  const faulty = faultyStore(opened, { ...around, owner, isCut: () => isCut })
  const store = bend.store?.(faulty) ?? faulty
  const later = (work: () => void, millis: number) => scheduler.later(owner, work, millis)
  const directory = await createDirectory({
    store,
    clock,
    admin: {
      changesAre: 'polled',
      changes: async (cursor) => {
        // The first question is part of the start.
        if (cursor !== undefined) await scheduler.park(owner)
        if (isCut) throw new StoreUnavailable('the store is out of reach', 'none')
        return opened.admin.changes(cursor)
      },
    },
    later,
    pollMillis: 1_000,
  })
  const records = {
    store: hearOwnChanges(store, directory.forget),
    clock,
    random,
    recent: createRecent(),
    pause: () => scheduler.park(owner),
    onSettled: (writes: readonly StampedWrite[]) => directory.forget(announcedIn(writes)),
  }
  const outbound = createWire({ ...around, owner })
  const real = createUpstream({ issuer, clock, random, transition: records, keys, outbound, providers: [entry] })
  const protection = protectWith(secret.key, 'a key', { instanceId: 'i', random })
  const context: VaultContext = {
    issuer,
    clock,
    random,
    transition: records,
    directory,
    upstream: bend.upstream?.(real) ?? real,
    keys,
    protection: () => Promise.resolve(protection),
    later,
  }
  const vault = createVault({ ...context, limits: { reserve: () => ({}) }, onError: around.onError })
  return Object.assign(owner, {
    context,
    directory,
    vault,
    cut: (off: boolean) => void (isCut = off),
    step: (by: number) => void (skew += by),
  })
}

export type Consent = { readonly account: string; readonly renews?: string }

/** Somebody starts, agrees at the provider, and comes back: what the pages do, without them. True: it is kept. */
export async function connect(
  node: VaultNode,
  provider: Provider<Sent>,
  { id, account, renews }: Consent & { readonly id: string },
): Promise<boolean> {
  const { context } = node
  const browserHash = 'a browser'
  const address = '192.0.2.1'
  const recallsBefore = recallsOf(await context.directory.instance(), entry.name)
  const start = {
    connectionId: id,
    handleHash: 'hash',
    provider: entry.name,
    scope: ['read'],
    owner: { kind: 'handle' },
    address,
    startedAt: context.clock.seconds(),
    ...(renews !== undefined && { renews }),
    ...(recallsBefore > 0 && { recallsBefore }),
  } as const
  await transition(context.transition, { connection: ref('connection', id) }, ({ connection }, now) =>
    bindConnection(connection, start, { right: true, browserHash, now }),
  )
  const given = provider.grant(account)
  const obtained = await obtainConnection(
    context,
    { connectionId: id, provider: entry.name, browserHash, address, addressKnown: true, userId: undefined },
    {
      kind: 'done',
      asked: ['read'],
      identity: { issuer, subject: account, label: account, suggestions: [] },
      tokens: {
        accessToken: secretValue(given.access),
        refreshToken: secretValue(given.refresh),
        tokenType: 'Bearer',
        scope: ['read'],
        expiresAt: context.clock.seconds() + provider.life,
      },
    },
  )
  return obtained?.sameAccount === true
}
