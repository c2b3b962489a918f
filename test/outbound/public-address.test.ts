import { describe, expect, it } from 'vitest'
import { isPublicAddress } from '../../src/outbound/public-address.ts'

const inside = [
  '0.0.0.0',
  '10.0.0.5',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.168.1.1',
  '198.18.0.1',
  '203.0.113.9',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:7f00:1',
  '::ffff:127.0.0.1',
  '::7f00:1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1%lo',
  'ff02::1',
  '2130706433',
  '0177.0.0.1',
  'localhost',
  '',
]
const outside = [
  '1.1.1.1',
  '8.8.8.8',
  '172.32.0.1',
  '100.128.0.1',
  '192.169.0.1',
  '2606:4700:4700::1111',
  '2a00:1450::1',
]

describe('F07: which addresses are of the public internet', () => {
  it.each(inside)('%s is not', (address) => expect(isPublicAddress(address)).toBe(false))
  it.each(outside)('%s is', (address) => expect(isPublicAddress(address)).toBe(true))
})
