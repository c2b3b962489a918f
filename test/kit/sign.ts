import { randomBytes } from 'node:crypto'
import { decodeBase32 } from '../../src/crypto/base32.ts'
import type { MessageSigningKey } from '../../src/crypto/message-signature.ts'
import { signRequest, type UnsignedRequest } from '../../src/crypto/sign-request.ts'
import { createBrowser, type Answer } from './browser.ts'
import type { TestGatehouse } from './gatehouse.ts'

/** A client that signs, as a test has it: everything that a request is signed with may be put wrong. */
export type Signer = {
  readonly clientId: string
  readonly key: MessageSigningKey
  /** base32 */
  readonly oneTimeCodeSecret?: string | undefined
}

/** Reports texts as leaked tokens, signed. */
export function reportLeaks(
  { url, clock }: Pick<TestGatehouse, 'url' | 'clock'>,
  by: Signer,
  tokens: readonly string[],
): Promise<Answer> {
  const body = JSON.stringify({ tokens, source: 'https://git.example/ada/backup.sh' })
  const request = { method: 'POST', url: `${url}/api/v1/leaked-tokens`, body }
  const headers = { 'content-type': 'application/json', ...signed(request, by, { now: clock.seconds() }) }
  return createBrowser(url).ask('/api/v1/leaked-tokens', { headers, body })
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
