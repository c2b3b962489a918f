import { randomBytes } from 'node:crypto'
import { decodeBase32 } from '../../src/crypto/base32.ts'
import type { MessageSigningKey } from '../../src/crypto/message-signature.ts'
import { signRequest, type UnsignedRequest } from '../../src/crypto/sign-request.ts'

/** A client that signs, as a test has it: everything that a request is signed with may be put wrong. */
export type Signer = {
  readonly clientId: string
  readonly key: MessageSigningKey
  /** base32 */
  readonly oneTimeCodeSecret?: string | undefined
}

export function signed(
  request: UnsignedRequest,
  by: Signer,
  at: { readonly now: number; readonly nonce?: string },
): Readonly<Record<string, string>> {
  const { oneTimeCodeSecret: code } = by
  return signRequest(request, {
    clientId: by.clientId,
    key: by.key,
    ...(code !== undefined && { oneTimeCodeSecret: decodeBase32(code) ?? new Uint8Array() }),
    now: at.now,
    nonce: at.nonce ?? randomBytes(12).toString('hex'),
  })
}
