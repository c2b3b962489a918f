import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { PasswordsContext } from '../accounts/context.ts'
import { createPasswordStrength } from '../accounts/password-strength.ts'
import { fenceMoved } from '../audit/fence-moved.ts'
import { openPost, type OpenedPost as Post } from '../audit/post.ts'
import type { Config } from '../config/config.ts'
import { createPasswordPool } from '../crypto/password-pool.ts'
import { ref } from '../domain/record.ts'
import { sinkOf } from '../server/audit-sink.ts'
import { directoryLeaseMillis } from '../store/lease.ts'
import { readAlive } from '../store/read-alive.ts'
import { openStore } from '../store/open.ts'
import type { OpenStore } from '../store/port.ts'
import { CliFailure } from './failure.ts'
import { inStoreTime } from './in-store-time.ts'
import type { Io } from './io.ts'
import { localProtection } from './local-protection.ts'
import { textSettings } from './options.ts'
import { readConfig } from './read-config.ts'

export type Local = PasswordsContext &
  OpenStore & {
    readonly config: Config
    /** The store without the audit sink before it: for filling it with what happened elsewhere. */
    readonly bare: OpenStore['store']
    /** Resolves when every server on this store has seen what was committed, or refuses to answer. */
    readonly settle: () => Promise<void>
    readonly close: () => Promise<void>
  }

/**
 * The store itself, beside whatever server runs on it. It must be there already unless `create`. The secrets of the file's clients
 * and providers are the server's: unless they are wanted, nobody who administers beside it has to have them.
 */
export async function openLocal(
  io: Io,
  options: Readonly<Record<string, unknown>>,
  { create = false, secrets = false }: { readonly create?: boolean; readonly secrets?: boolean } = {},
): Promise<Local> {
  const { config } = readConfig(io, textSettings(options), { withoutSecrets: !secrets })
  if (config.store.adapter === 'memory') {
    throw new CliFailure('the store memory: lives inside its server; use --server URL --token TOKEN')
  }
  if (!create && config.store.adapter === 'sqlite' && !existsSync(config.store.path)) {
    throw new CliFailure(
      `there is no store at ${config.store.path}; check --data, --store or --config, or start the server once`,
    )
  }
  const { clock, random } = io.system
  const opened = await openStore(config.store, {
    clock,
    random,
    quickCheck: create,
    eventTtl: config.eventTtl,
    create,
    onMoved: (bare) => fenceMoved(bare, { clock, random }, { sink: config.audit !== undefined }),
    onFatal: (reason) => {
      throw reason
    },
  })
  const post = await openLocalPost(config, { ...opened, clock, random })
  const instance = await readAlive(opened.store, ref('instance', 'self'), clock.seconds())
  const issuer = config.issuerAssumed === true ? instance?.servedAs : undefined
  const store = inStoreTime(post === undefined ? opened.store : post.guard(opened.store), clock, instance)
  const passwords = createPasswordPool({ threads: 1, queueLimit: 4 })
  const thread = createPasswordStrength()
  const transition = { store, clock, random }
  return {
    ...opened,
    store,
    bare: opened.store,
    config: { ...config, ...(issuer !== undefined && { issuer }) },
    clock,
    random,
    transition,
    protection: localProtection({ store, config, clock, random, transition }),
    passwords,
    strength: thread.strength,
    settle: () => settled(opened.admin.changesAre),
    close: async () => {
      await Promise.all([passwords.close(), thread.close()])
      await post?.end()
      await opened.admin.close()
    },
  }
}

/** Events of a command go to the sink as those of a server do; what the sink has not taken at its end a server delivers. */
async function openLocalPost(
  { audit }: Config,
  { store, clock, random }: Pick<OpenStore, 'store'> & Io['system'],
): Promise<Post | undefined> {
  if (audit === undefined) return undefined
  return openPost({
    transition: { store, clock, random },
    clock,
    holder: random.id(clock.millis()),
    sink: sinkOf(audit),
    onDown: () => undefined,
    onUp: () => undefined,
    onError: () => undefined,
  })
}

/** An embedded store shows a commit to every process at its next look; others only under a lease. */
export async function settled(
  changesAre: OpenStore['admin']['changesAre'],
  wait: (millis: number) => Promise<unknown> = pause,
): Promise<void> {
  if (changesAre === 'polled') await wait(directoryLeaseMillis)
}
