import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startEtsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, keptTokens, storedConnection } from './house.ts'

it('a new key at rest: what the old one sealed is fetched, a refresh seals with the new one, and both open after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rotated-'))
  const etsy = await startEtsy()
  const provider = etsyProvider(etsy)
  const options = {
    store: { adapter: 'sqlite', path: join(folder, 'store.db') },
    config: { providers: [provider] },
  } as const
  let server: TestGatehouse = await startGatehouse(options)
  const fetched = async (connection: string): Promise<string | undefined> => {
    const token = await server.core.vault.freshToken({ connection })
    expect(token.outcome).toBe('token')
    const { access } = await keptTokens(server, connection)
    expect(token.outcome === 'token' && token.accessToken.reveal()).toBe(access)
    return access
  }
  try {
    const [renewed, left] = [await connectDirectly(server, provider), await connectDirectly(server, provider)]
    const first = await fetched(renewed)
    const leftToken = await fetched(left)
    const { keys } = server.core
    const { keyId: old } = keys.secret('at-rest')
    const { keyId: next } = await keys.rotate('at-rest')
    server.clock.advance(11)
    await keys.tick()
    expect([keys.secret('at-rest').keyId, next === old]).toEqual([next, false])

    expect(await fetched(renewed)).toBe(first)
    const second = await server.core.vault.freshToken({ connection: renewed, rejected: 1 })
    expect(second.outcome).toBe('token')
    expect(await fetched(renewed)).not.toBe(first)
    const keyIds = async () => [
      (await storedConnection(server, renewed)).keyId,
      (await storedConnection(server, left)).keyId,
    ]
    expect(await keyIds()).toEqual([next, old])

    const kept = await fetched(renewed)
    await server.close()
    server = await startGatehouse({ ...options, clock: server.clock })
    expect([await fetched(renewed), await fetched(left)]).toEqual([kept, leftToken])
    server.clock.advance(4000)
    expect([(await fetched(renewed)) === kept, (await fetched(left)) === leftToken]).toEqual([false, false])
    expect(await keyIds()).toEqual([next, next])
  } finally {
    await server.close()
    await etsy.close()
    rmSync(folder, { recursive: true })
  }
})
