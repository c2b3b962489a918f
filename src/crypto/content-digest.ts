import { hash } from 'node:crypto'
import { parseDictionary } from '../protocol/structured-fields.ts'
import { equal } from './equal.ts'

/** The digests that RFC 9530 §5 calls active. */
const algorithms = ['sha-256', 'sha-512'] as const

/** `Content-Digest` of a body (RFC 9530 §2). */
export function contentDigest(body: string | Uint8Array): string {
  return `sha-256=:${hash('sha256', body, 'base64')}:`
}

/** Whether a `Content-Digest` is right: at least one digest that counts, and each of those that do (RFC 9530 §2). */
export function verifyContentDigest(field: string, body: string | Uint8Array): boolean {
  const digests = parseDictionary(field)
  let known = 0
  for (const name of algorithms) {
    const digest = digests?.get(name)
    if (digest === undefined) continue
    if (!('item' in digest) || digest.item.type !== 'bytes') return false
    if (!equal(Buffer.from(digest.item.value, 'base64'), hash(name.replace('-', ''), body, 'buffer'))) return false
    known += 1
  }
  return known > 0
}
