import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mac } from '../../src/crypto/mac.ts'
import { createKeyFile } from '../../src/keys/key-file.ts'
import { openProtection } from '../../src/keys/protection.ts'
import { ProtectionFailed } from '../../src/keys/protection-failed.ts'
import { watchSyncs } from '../kit/watch-syncs.ts'
import { fakeClock, memory, random, startNode } from './fixtures.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const protectedStore = () => ({ store: memory().store, instanceId: 'instance', random })
const secret = 'q8Jw0nT3vY5kZ1xB7mR2cD9fG4hL6pS8uV0aE3iO5wXy'

describe('the key file', () => {
  test('is made at the first start: mode 0600, 32 random bytes in one line, nothing left beside it', async () => {
    const path = join(folder, 'data', 'gatehouse.key')
    await openProtection({ keyFile: path }, protectedStore())
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toMatch(/^[A-Za-z0-9_-]{43}\n$/)
    expect(readdirSync(join(folder, 'data'))).toEqual(['gatehouse.key'])
    expect(statSync(join(folder, 'data')).mode & 0o077).toBe(0)
  })

  test('is on the disk with the folders made for it: a store elsewhere would outlive it otherwise', async () => {
    const { synced, unwatch } = watchSyncs()
    try {
      await createKeyFile(join(folder, 'data', 'keys', 'gatehouse.key'), random)
    } finally {
      unwatch()
    }
    expect(synced()).toEqual([folder, join(folder, 'data')])
  })

  test('stays the same from then on, and opens what it sealed', async () => {
    const path = join(folder, 'gatehouse.key')
    const place = protectedStore()
    const first = await openProtection({ keyFile: path }, place)
    const before = readFileSync(path, 'utf8')
    const second = await openProtection({ keyFile: path }, place)
    expect(readFileSync(path, 'utf8')).toBe(before)
    const sealed = first.seal('key', 'mac:000001', Buffer.from('x'))
    expect(second.open('key', 'mac:000001', sealed)).toEqual(Buffer.from('x'))
    expect(() => second.open('key', 'mac:000002', sealed)).toThrow(ProtectionFailed)
    expect(() => second.open('key', 'mac:000001', `${sealed}=`)).toThrow(ProtectionFailed)
  })

  test('made by ten processes at once is one file, and all use it', async () => {
    const path = join(folder, 'gatehouse.key')
    const place = protectedStore()
    const all = await Promise.all(Array.from({ length: 10 }, () => openProtection({ keyFile: path }, place)))
    const sealed = all[0]!.seal('key', 'mac:000001', Buffer.from('x'))
    for (const protection of all) expect(protection.open('key', 'mac:000001', sealed)).toEqual(Buffer.from('x'))
    expect(readdirSync(folder)).toEqual(['gatehouse.key'])
  })

  test('that somebody else made in the meantime is taken, not replaced', async () => {
    const path = join(folder, 'gatehouse.key')
    const first = await createKeyFile(path, random)
    const content = readFileSync(path, 'utf8')
    const second = await createKeyFile(path, random)
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect(mac(second, 'x')).toBe(mac(first, 'x'))
  })

  test.each(['640', '604', '660', '601', '777'])(
    'that others can reach (mode %s) is refused, with the mend',
    async (mode) => {
      const path = join(folder, 'gatehouse.key')
      await openProtection({ keyFile: path }, protectedStore())
      chmodSync(path, Number.parseInt(mode, 8))
      const opening = openProtection({ keyFile: path }, protectedStore())
      await expect(opening).rejects.toThrow(ProtectionFailed)
      await expect(opening).rejects.toThrow(`run chmod 600 ${path}`)
    },
  )

  test.each(['600', '400'])('of mode %s is taken', async (mode) => {
    const path = join(folder, 'gatehouse.key')
    await openProtection({ keyFile: path }, protectedStore())
    chmodSync(path, Number.parseInt(mode, 8))
    await openProtection({ keyFile: path }, protectedStore())
  })

  test.each([
    ['empty', ''],
    ['cut off', 'q8Jw0nT3vY5kZ1xB7mR2\n'],
    ['too long', `${secret}AAAA\n`],
    ['padded', `${Buffer.alloc(32, 7).toString('base64')}\n`],
    ['two lines', `${Buffer.alloc(32, 7).toString('base64url')}\n\n`],
    ['binary', '\0\u0001\u0002'],
  ])('that is %s is refused, without its content in the message', async (_, content) => {
    const path = join(folder, 'gatehouse.key')
    writeFileSync(path, content, { mode: 0o600 })
    const failure = await openProtection({ keyFile: path }, protectedStore()).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProtectionFailed)
    expect(String(failure)).toContain('backup')
    if (content.trim() !== '') expect(String(failure)).not.toContain(content.trim())
  })

  test('that went missing is not replaced by a new one when the store has keys', async () => {
    const path = join(folder, 'gatehouse.key')
    const place = protectedStore()
    const protection = await openProtection({ keyFile: path }, place)
    await startNode(place.store, fakeClock(), { protection })
    rmSync(path)
    await expect(openProtection({ keyFile: path }, place)).rejects.toThrow(/missing.*bring it back/)
    expect(existsSync(path)).toBe(false)
  })

  test('of another store is recognised at the first key', async () => {
    const place = protectedStore()
    const protection = await openProtection({ keyFile: join(folder, 'a.key') }, place)
    await startNode(place.store, fakeClock(), { protection })
    const other = await openProtection({ keyFile: join(folder, 'b.key') }, protectedStore())
    const opening = startNode(place.store, fakeClock(), { protection: other })
    await expect(opening).rejects.toThrow(ProtectionFailed)
    await expect(opening).rejects.toThrow(join(folder, 'b.key'))
  })

  test('in a place that is a folder says so, instead of a stack', async () => {
    const path = join(folder, 'gatehouse.key')
    mkdirSync(path, { mode: 0o700 })
    await expect(openProtection({ keyFile: path }, protectedStore())).rejects.toThrow(ProtectionFailed)
  })
})

describe('GATEHOUSE_SECRET', () => {
  test('protects without any file, the same at every start', async () => {
    const place = protectedStore()
    const sealed = (await openProtection({ secret }, place)).seal('key', 'mac:000001', Buffer.from('x'))
    expect((await openProtection({ secret }, place)).open('key', 'mac:000001', sealed)).toEqual(Buffer.from('x'))
    const other = await openProtection({ secret: `${secret}z` }, place)
    expect(() => other.open('key', 'mac:000001', sealed)).toThrow(/GATEHOUSE_SECRET doesn't open/)
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([
    '',
    'short',
    'x'.repeat(64),
    'abcdefgh'.repeat(8),
    '0123456789abcdef0123456789abcde',
    'correct horse battery staple',
  ])('M06 default-secret: weak (%j) is refused, naming the mend and not the secret', async (weak) => {
    const failure = await openProtection({ secret: weak }, protectedStore()).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProtectionFailed)
    expect(String(failure)).toMatch(/GATEHOUSE_SECRET .*openssl rand/)
    if (weak !== '') expect(String(failure)).not.toContain(weak)
  })
})
