import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { concatenatedToDer, derToConcatenated } from '../../src/crypto/ecdsa-der.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

// Every 128th half begins with a zero byte or a set bit more than it should: 1,500 signatures meet each case dozens of times.
test('RFC 7518 §3.4: DER becomes r ‖ s of 64 bytes that OpenSSL itself accepts, and back to the same DER', () => {
  let short = 0
  for (let index = 0; index < 1500; index++) {
    const message = Buffer.from(`message ${index}`)
    const der = sign('sha256', message, privateKey)
    const concatenated = derToConcatenated(der)
    expect(concatenated).toHaveLength(64)
    if (concatenated[0] === 0 || concatenated[32] === 0) short++
    expect(concatenatedToDer(concatenated).equals(der)).toBe(true)
    if (index < 200) {
      expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, concatenated)).toBe(true)
    }
  }
  expect(short).toBeGreaterThan(0)
})

test('zero stays zero, and is never a signature', () => {
  expect(concatenatedToDer(Buffer.alloc(64)).toString('hex')).toBe('3006020100020100')
})
