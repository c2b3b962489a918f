import { clockTolerance } from '../protocol/time.ts'
import type { Command } from 'commander'
import { printStoreAddress } from '../config/store-address.ts'
import { sweepStore } from '../audit/sweep-store.ts'
import { fenceStore } from '../store/fence-store.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { ensureInstance } from '../store/ensure-instance.ts'
import { clockBehind, setItRight } from './clock-behind.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import type { Local } from './local.ts'
import { registerStoreBackup } from './store-backup.ts'
import { registerStoreCopy } from './store-copy.ts'

const batch = 500

/** Adds `gatehouse store`. */
export function registerStore(program: Command, io: Io): void {
  const store = program.command('store').description('the store itself')

  localVerb(
    store.command('migrate').description('bring it to the schema of this version, or make it'),
    { io, create: true, changes: true },
    async (local) => {
      // Opening it did the work, or refused.
      const instance = await ensureInstance(local.transition, local)
      const at = printStoreAddress(local.config.store)
      return { json: { store: at, instance_id: instance.instanceId }, text: `${at} is up to date\n` }
    },
  )

  localVerb(store.command('verify').description('read and check every record'), { io }, async (local) => {
    const findings = await local.admin.verify()
    const [first, ...more] = findings
    if (first !== undefined) throw new CliFailure(`the store is damaged: ${first}; restore a backup`, { more })
    return { json: { sound: true }, text: 'sound\n' }
  })

  localVerb(
    store
      .command('sweep')
      .description('delete what had expired when the store was last served; a running server does it by itself'),
    { io, changes: true },
    async (local) => {
      const swept = await sweepAll(local)
      return { json: { deleted: swept }, text: `deleted ${swept}\n` }
    },
  )

  localVerb(
    store
      .command('fence')
      .description(
        'after a failover or a restore by the database’s own means that may have lost commits: whatever was issued before counts no more',
      ),
    { io, changes: true },
    async (local) => {
      const looked = await fenceStore(local, {
        ...local.transition,
        clock: local.clock,
        random: local.random,
        actor: 'cli',
      })
      return { json: { fenced: true, records: looked }, text: 'fenced; everybody signs in again\n' }
    },
  )

  registerStoreCopy(store, io)
  registerStoreBackup(store, io)
}

/** As a server: what a wrong clock takes for expired may hide what was revoked. A clock that is ahead is told by when the store was last served. */
async function sweepAll(local: Local): Promise<number> {
  const { clock, store } = local
  const behind = await clockBehind(local)
  if (behind > clockTolerance) throw new CliFailure(setItRight(behind))
  const instance = await readAlive(store, ref('instance', 'self'), clock.seconds())
  const now = Math.min(clock.seconds(), instance?.highWaterAt ?? 0)
  let swept = 0
  for (;;) {
    const deleted = await sweepStore(store, now, batch)
    swept += deleted
    if (deleted < batch) return swept
  }
}
