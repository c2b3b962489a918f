import { printCredential, readCredential, type Credential } from './credential.ts'
import type { TokenKeys } from './keys-view.ts'

/** An authorization code (RFC 6749 §4.1.2) of the grant `recordId`. */
export function printCode(keys: TokenKeys, code: Credential): string {
  return printCredential('ac', keys, code)
}

export function readCode(keys: TokenKeys, text: string): Credential | undefined {
  return readCredential('ac', keys, text)
}
