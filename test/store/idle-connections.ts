import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { exists, lease, putLease } from '../../src/store/suite/samples.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { startTcpProxy } from '../kit/tcp-proxy.ts'

/** Two connections idle, and each would end when it is used: a read needs a new one. `begins`: what a connection says first. */
export async function expectReadOnNewConnection(
  server: { readonly port: number },
  address: string,
  {
    open,
    begins,
  }: { readonly open: (address: string) => Promise<OpenStore>; readonly begins: (sent: Buffer) => boolean },
): Promise<void> {
  const proxy = await startTcpProxy(server.port)
  const { store, admin } = await open(address.replace(`:${server.port}`, `:${proxy.port}`))
  try {
    await store.commit([putLease('a', 'x', 'v1')])
    // Both at once, so that two connections idle afterwards.
    await Promise.all([store.commit([putLease('b', 'x', 'v1')]), store.read([lease('a')])])
    // The first one may have served both while the second was still being made: that one has to idle as well.
    await pause(300)
    let isNew = false
    let ended = 0
    proxy.watch = (sent) => {
      isNew ||= begins(sent)
      if (isNew) return 'pass'
      ended += 1
      return 'cut after'
    }
    expect(await exists(store, lease('a'))).toBe(true)
    expect(ended).toBeGreaterThan(0)
  } finally {
    await admin.close()
    await proxy.close()
  }
}
