import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { createEngine, readOAuthProvider, through } from '../upstream/house.ts'

let upstream: OpenId
let provider: OAuthProvider
let engine: ReturnType<typeof createEngine>
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  upstream = await startOpenId()
  engine = createEngine()
  provider = readOAuthProvider(
    {
      name: 'plain',
      preset: 'oidc',
      issuer: upstream.issuer,
      client_id: upstream.clientId,
      client_secret: { env: 'S' },
    },
    { S: upstream.clientSecret },
  )
})
afterEach(async () => {
  vi.useRealTimers()
  await upstream.close()
})

const signIn = async (): Promise<string> => (await through(engine, provider)).kind
const keysAsked = (): number => upstream.askedAt('/jwks').length
const later = (seconds: number): void => {
  vi.setSystemTime(Date.now() + seconds * 1000)
  engine.clock.advance(seconds)
}

describe('FLT-30: a provider changes its keys or its name', () => {
  test('new keys are fetched for an unknown key id, once in a minute however many ask', async () => {
    expect(await signIn()).toBe('done')
    expect(keysAsked()).toBe(1)
    upstream.faults.rotated = true
    for (let round = 0; round < 10; round += 1) expect(await signIn()).toBe('refused')
    expect(keysAsked()).toBe(1)
    later(61)
    for (let round = 0; round < 3; round += 1) expect(await signIn()).toBe('done')
    expect(keysAsked()).toBe(2)
  })

  test('a token under a key that was taken back is refused once its successor is known', async () => {
    expect(await signIn()).toBe('done')
    upstream.faults.rotated = true
    later(61)
    expect(await signIn()).toBe('done')
    upstream.faults.rotated = false
    upstream.faults.keysReply = { status: 503 }
    expect(await signIn()).toBe('refused')
  })

  test('while its keys can’t be had, those that are known go on for a while, never for a day', async () => {
    expect(await signIn()).toBe('done')
    upstream.faults.keysReply = { status: 503 }
    later(120)
    expect(await signIn()).toBe('done')
    later(24 * 60 * 60)
    expect(await signIn()).not.toBe('done')
    delete upstream.faults.keysReply
    expect(await signIn()).toBe('done')
  })

  test('another issuer at the same address is never taken for the one that was configured', async () => {
    expect(await signIn()).toBe('done')
    const claims = (said: Record<string, unknown>) => ({ ...said, iss: 'https://renamed.example' })
    upstream.faults.claims = claims
    expect(await signIn()).toBe('refused')
    upstream.faults.metadata = (document) => ({ ...document, issuer: 'https://renamed.example' })
    later(2 * 60 * 60)
    await expect(through(engine, provider)).rejects.toThrow('refused')
    upstream.faults.claims = (said) => said
    await expect(through(engine, provider)).rejects.toThrow('refused')
  })
})
