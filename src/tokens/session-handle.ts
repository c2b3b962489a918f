import { printCredential, readCredential, type Credential } from './credential.ts'
import type { TokenKeys } from './keys-view.ts'

/** The value of the session cookie, for the session `recordId`. */
export function printSessionHandle(keys: TokenKeys, handle: Credential): string {
  return printCredential('ss', keys, handle)
}

export function readSessionHandle(keys: TokenKeys, text: string): Credential | undefined {
  return readCredential('ss', keys, text)
}
