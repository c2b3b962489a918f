import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Stage } from './ledger/stage.ts'
import { asApp } from './ledger/world.ts'

const program = fileURLToPath(new URL('hold-lock.ts', import.meta.url))

/** Another process at the store: holds the write lock, or reads an old snapshot. Resolves once it does; returns what lets go. */
export async function holdLock(dataDirectory: string, mode: 'write' | 'read'): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [program, join(dataDirectory, 'gatehouse.db'), mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.once('close', resolve))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('close', (code) => reject(new Error(`the other process ended with ${code}`)))
  })
  return async () => {
    child.stdin.end()
    await exited
  }
}

export type UnderLock = {
  /** How long each write waited, in milliseconds, and what came of it; whoever was answered first comes first. */
  readonly writes: readonly { readonly is: string; readonly millis: number }[]
  readonly longestReadMillis: number
  /** After the lock was let go. */
  readonly healedMillis: number
}

export const writers = 16

/** Sixteen clients write and one reads, again and again, while another process holds the write lock for so long. */
export async function underLock({ world, place }: Stage, lockMillis: number): Promise<UnderLock> {
  const writes: { readonly is: string; readonly millis: number }[] = []
  let longestReadMillis = 0
  const release = await holdLock(place.dataDirectory, 'write')
  const until = performance.now() + lockMillis
  const writing = Array.from({ length: writers }, async () => {
    while (performance.now() < until) {
      const write = await timed(() => token())
      writes.push(write)
      // Whoever is refused at once comes back, but not at once.
      if (write.is !== 'done') await pause(50)
    }
  })
  const reading = (async () => {
    while (performance.now() < until) {
      const { is, millis } = await timed(() => asApp(world, 'introspect', '/oauth/introspect', { token: 'none' }))
      if (is !== 'done') world.journal.violate('INV10', `reading is ${is} while another process writes`)
      longestReadMillis = Math.max(longestReadMillis, millis)
      await pause(20)
    }
  })()
  await pause(lockMillis)
  await release()
  const healed = performance.now()
  while ((await token()).is !== 'done' && performance.now() < healed + 20_000) await pause(20)
  const healedMillis = performance.now() - healed
  await Promise.all([...writing, reading])
  return { writes, longestReadMillis, healedMillis }

  function token(): ReturnType<typeof asApp> {
    return asApp(world, 'client credentials', '/oauth/token', { grant_type: 'client_credentials' })
  }
}

async function timed<T extends { readonly is: string }>(
  work: () => Promise<T>,
): Promise<{ is: string; millis: number }> {
  const began = performance.now()
  const { is } = await work()
  return { is, millis: performance.now() - began }
}
