import { printCredential, readCredential, type Credential } from './credential.ts'
import type { TokenKeys } from './keys-view.ts'

/** A refresh token (RFC 6749 §1.5) of the grant `recordId`. Printed again from the stored imprint, it is the same text. */
export function printRefreshToken(keys: TokenKeys, token: Credential): string {
  return printCredential('rt', keys, token)
}

export function readRefreshToken(keys: TokenKeys, text: string): Credential | undefined {
  return readCredential('rt', keys, text)
}
