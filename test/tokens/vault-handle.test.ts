import { expect, test } from 'vitest'
import { printToken } from '../../src/tokens/token-text.ts'
import { printVaultHandle, readVaultHandle, vaultHandleHash } from '../../src/tokens/vault-handle.ts'
import { fixedKeys } from './fixtures.ts'

const keys = fixedKeys()
const id = keys.random.id(1_795_000_000_000)
const handle = printVaultHandle(keys, keys.random, id)
const body = handle.split('_').slice(3).join('_')

test('a handle says its connection, when it was started, and proves itself', () => {
  expect(readVaultHandle(keys, handle)).toEqual({
    connectionId: id,
    hash: vaultHandleHash(handle),
    startedAt: 1_795_000_000,
    proved: true,
  })
  expect(printVaultHandle(keys, keys.random, id)).not.toBe(handle)
})

test('what somebody makes up is none, whatever its checksum says', () => {
  const [keyId, , secret, mac = ''] = body.split('.')
  const other = keys.random.id(1_795_000_000_001)
  for (const made of [
    [keyId, other, secret, mac],
    [keyId, id, secret, mac.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
    [keyId, id, secret],
    [keyId, id, secret, mac, mac],
  ])
    expect(readVaultHandle(keys, printToken('vh', made.join('.')))).toBeUndefined()
  expect(readVaultHandle(keys, printToken('vh', body))).toBeDefined()
})

test('where its key is gone it proves nothing, and only the record can tell', () => {
  expect(readVaultHandle({ secretById: () => undefined }, handle)).toMatchObject({ connectionId: id, proved: false })
})
