import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fenceMoved } from '../audit/fence-moved.ts'
import { openPost } from '../audit/post.ts'
import { createPasswordStrength } from '../accounts/password-strength.ts'
import type { Config, UsersPolicy } from '../config/config.ts'
import { createPasswordPool, type PasswordPool } from '../crypto/password-pool.ts'
import { sha256Base64 } from '../crypto/hash.ts'
import type { Core, Observer } from '../endpoints/core.ts'
import type { KeyEvent } from '../keys/context.ts'
import { openKeys } from '../keys/keys.ts'
import { openProtection } from '../keys/protection.ts'
import { keyLifetimes } from '../domain/key-lifecycle.ts'
import { createLimits, type Together } from '../limits/limits.ts'
import { createOutbound } from '../outbound/create-outbound.ts'
import type { Letter } from '../mail/letter.ts'
import { startOutbox } from '../mail/outbox.ts'
import { createSmtp } from '../mail/smtp.ts'
import { createLook } from '../pages/look.ts'
import { refuse } from '../protocol/errors.ts'
import type { Clock } from '../protocol/time.ts'
import { buildServerMetadata } from '../protocol/server-metadata.ts'
import { composeLetter } from '../signin/letters.ts'
import { createDirectory } from '../store/directory.ts'
import type { StampedWrite, Store, WriterLink } from '../store/port.ts'
import { createRecent } from '../store/recent.ts'
import { ensureInstance } from '../store/ensure-instance.ts'
import { announcedIn, hearOwnChanges } from '../store/hear-own-changes.ts'
import { openStore } from '../store/open.ts'
import { createUpstream } from '../upstream/create-upstream.ts'
import { createVault } from '../vault/create-vault.ts'
import { sinkOf } from './audit-sink.ts'
import { capabilitiesOf } from './capabilities.ts'
import type { System } from './system.ts'

export type GatehouseOptions = {
  readonly observer: Observer
  readonly onKeyEvent: (event: KeyEvent) => void
  /** The store can't be trusted with another write: the process must end. */
  readonly onFatal: (reason: Error) => void
  readonly onDamage?: (reason: Error) => void
  /** The database was moved and may have lost commits: nothing that was issued before counts any more. */
  readonly onFenced?: () => void
  /** How long each commit took, waiting included. */
  readonly onCommit?: (millis: number) => void
  /** A letter of a server that sends none (`--dev-mail`). */
  readonly onLetter?: (letter: Letter) => void
  readonly onLetterFailed?: (error: unknown) => void
  /** Tokens of an ended connection could not be given back just now. */
  readonly onVaultFailed?: (error: unknown) => void
  /** Why the audit sink takes no events, or undefined now that it does again. */
  readonly onSink?: (down: string | undefined) => void
  readonly onPostFailed?: (error: unknown) => void
  /** The one server of an embedded store; refused while there is another. */
  readonly serves?: boolean
  /** In a worker process: the way to the one that writes an embedded store. */
  readonly through?: WriterLink
  /** In a worker process: the way to the others that count attempts. */
  readonly together?: Together
  /** In place of the pool of threads: benchmarks take password hashing out on both sides. */
  readonly passwords?: PasswordPool
}

/** The composed server: everything but its HTTP shell. */
export type Gatehouse = {
  readonly config: Config
  readonly core: Core
  /** From now on this holds for accounts. */
  readonly follow: (policy: UsersPolicy) => void
  readonly close: () => Promise<void>
}

/** The composition root: opens the store and the rings and wires them together. Throws what a part of it refuses to start for. */
export async function openGatehouse(config: Config, system: System, options: GatehouseOptions): Promise<Gatehouse> {
  const { clock, random } = system
  let usersPolicy = config.users
  let distrust = (): void => undefined
  const { store: opened, admin } = await openStore(config.store, {
    clock,
    random,
    eventTtl: config.eventTtl,
    ...options,
    onMoved: async (bare) => {
      await fenceMoved(bare, system, { sink: config.audit !== undefined })
      options.onFenced?.()
    },
    onNewOrigin: () => distrust(),
  })
  const clocked = options.onCommit === undefined ? opened : timed(opened, clock, options.onCommit)
  const post =
    config.audit === undefined
      ? undefined
      : openPost({
          transition: { store: clocked, clock, random },
          clock,
          holder: random.id(clock.millis()),
          sink: sinkOf(config.audit),
          onDown: (reason) => options.onSink?.(reason),
          onUp: () => options.onSink?.(undefined),
          onError: (error) => options.onPostFailed?.(error),
        })
  const store = post === undefined ? clocked : post.guard(clocked)
  const instance = await ensureInstance(
    { store, clock, random },
    system,
    options.serves === true ? config.issuer : undefined,
  )
  // What had expired before a restart stays so, though the clock was set back meanwhile.
  clock.notBefore?.(instance.highWaterAt)
  await post?.begin()
  const keySource =
    config.keySecret === undefined
      ? { keyFile: join(config.dataDirectory, 'gatehouse.key') }
      : { secret: config.keySecret.reveal() }
  const protection = await openProtection(keySource, { store, instanceId: instance.instanceId, random })
  const keys = await openKeys({
    store,
    clock,
    random,
    protection,
    lifetimes: keyLifetimes,
    onEvent: options.onKeyEvent,
  })
  const directory = await createDirectory({
    store,
    admin,
    clock,
    onForget: (forget) => {
      if (forget === 'lost' || forget.some(({ kind }) => kind === 'key')) void keys.refresh()
    },
  })
  // A commit here is heard here at once, wherever the others have to ask for it.
  distrust = directory.distrust
  const heard = admin.changesAre === 'polled' ? hearOwnChanges(store, directory.forget) : store
  const transition = {
    store: heard,
    clock,
    random,
    recent: createRecent(),
    onSettled: (writes: readonly StampedWrite[]) => directory.forget(announcedIn(writes)),
  }
  // A core is left to the event loop.
  const threads = config.workers === undefined && availableParallelism() > 2 ? 2 : 1
  const passwords = options.passwords ?? createPasswordPool({ threads, queueLimit: 100 })
  const strength = createPasswordStrength()
  const readyAt = clock.seconds()
  const look = createLook(config.pages, sha256Base64)
  const limits = createLimits({ clock, together: options.together })
  const compose = {
    limits,
    issuer: config.issuer,
    clock,
    random,
    transition,
    keys,
    productName: look.productName,
    protection: () => Promise.resolve(protection),
  }
  const outbox =
    config.mail === undefined
      ? undefined
      : startOutbox({
          transition,
          compose: (outgoing) => composeLetter(compose, outgoing),
          send: config.mail.by === 'smtp' ? createSmtp({ ...config.mail, url: config.mail.url.reveal() }) : toLog,
          onFailure: (error) => options.onLetterFailed?.(error),
        })
  async function toLog(letter: Letter): Promise<void> {
    options.onLetter?.(letter)
  }
  const upstream = createUpstream({
    issuer: config.issuer,
    clock,
    random,
    transition,
    keys,
    outbound: createOutbound({ contact: config.issuer }),
    providers: config.providers,
  })
  const vault = createVault({
    limits,
    issuer: config.issuer,
    clock,
    random,
    transition,
    directory,
    upstream,
    keys,
    protection: () => Promise.resolve(protection),
    onError: (error) => options.onVaultFailed?.(error),
    onTrouble: ({ what, provider, connection, reason, why }) =>
      options.observer.refused(`vault-${what}`, refuse('temporarily_unavailable', reason), {
        reference: `${provider}: ${why} (${connection})`,
      }),
  })
  const core: Core = {
    issuer: config.issuer,
    trustsProxies: config.trustedProxies.length > 0,
    clock,
    random,
    transition,
    directory,
    limits,
    keys,
    protection: () => Promise.resolve(protection),
    passwords,
    strength: strength.strength,
    readyAt: () => readyAt,
    admin,
    look,
    outbox,
    usersPolicy: () => usersPolicy,
    metadata: buildServerMetadata(
      capabilitiesOf({
        issuer: config.issuer,
        policy: config.pages.privacyPolicy,
        terms: config.pages.terms,
        exchange: config.providers.length > 0,
      }),
    ),
    observer: options.observer,
    upstream,
    vault,
  }
  return {
    config,
    core,
    follow: (policy) => (usersPolicy = policy),
    close: async () => {
      await vault.close()
      directory.close()
      await outbox?.close()
      await passwords.close()
      await strength.close()
      await post?.end()
      await admin.close()
    },
  }
}

function timed(store: Store, clock: Clock, onCommit: (millis: number) => void): Store {
  return {
    ...store,
    commit: async (writes) => {
      const startedAt = clock.monotonic()
      const outcome = await store.commit(writes)
      onCommit(clock.monotonic() - startedAt)
      return outcome
    },
  }
}
