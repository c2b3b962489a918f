import { describe, expect, test } from 'vitest'
import { poly1305 } from '../../src/crypto/poly1305.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { openSecretbox, sealSecretbox, sealWithNonce } from '../../src/crypto/secretbox.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

describe('Poly1305', () => {
  test('RFC 8439 §2.5.2', () => {
    const key = hex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b')
    expect(poly1305(key, Buffer.from('Cryptographic Forum Research Group')).toString('hex')).toBe(
      'a8061dc1305136c6c22b8baf0c0127a9',
    )
  })

  // The cases at which an implementation that carries or reduces wrongly shows it.
  test.each([
    ['#7: what runs over 2^130', '02', '', 'ff'.repeat(16), '03'],
    ['#8: what runs over at the end', '02', 'ff'.repeat(16), `02${'00'.repeat(15)}`, '03'],
    ['#9: just p + 2', '01', '', `${'ff'.repeat(16)}f0${'ff'.repeat(15)}11${'00'.repeat(15)}`, '05'],
    ['#10: just p', '01', '', `${'ff'.repeat(16)}fbfe${'fe'.repeat(14)}${'01'.repeat(16)}`, '00'],
    ['#11: just p − 1', '02', '', `fd${'ff'.repeat(15)}`, `fa${'ff'.repeat(15)}`],
  ])('RFC 8439 A.3 %s', (_, r, s, message, tag) => {
    const key = Buffer.concat([
      Buffer.concat([hex(r), Buffer.alloc(16)], 16),
      Buffer.concat([hex(s), Buffer.alloc(16)], 16),
    ])
    expect(poly1305(key, hex(message)).toString('hex')).toBe(tag.padEnd(32, '0'))
  })
})

describe('XSalsa20-Poly1305', () => {
  // The example that NaCl's own tests carry ("secretbox.c").
  const key = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389')
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
  const message = hex(`
    be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31
    0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864
    5e0705`)
  const box = hex(`
    f3ffc7703f9400e52a7dfb4b3d3305d9
    8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738
    b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74
    e355a5`)

  test('seals and opens as NaCl does', () => {
    expect(sealWithNonce(key, message, nonce).toString('hex')).toBe(Buffer.concat([nonce, box]).toString('hex'))
    expect(openSecretbox(key, Buffer.concat([nonce, box]))).toEqual(message)
  })

  test('opens no box in which one bit differs, under no other key, and none too short to be one', () => {
    const random = createRandom()
    const sealed = sealSecretbox(key, Buffer.from('a root key'), random)
    expect(openSecretbox(key, sealed)?.toString()).toBe('a root key')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const edited = Buffer.from(sealed)
      edited[bit >> 3] = edited[bit >> 3]! ^ (1 << (bit & 7))
      expect(openSecretbox(key, edited)).toBeUndefined()
    }
    expect(openSecretbox(random.bytes(32), sealed)).toBeUndefined()
    expect(openSecretbox(key, sealed.subarray(0, 39))).toBeUndefined()
  })
})
