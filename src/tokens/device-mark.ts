import { printCredential, readCredential, type Credential } from './credential.ts'
import type { TokenKeys } from './keys-view.ts'

/** That the account `recordId` signed in in a browser, which the nonce stands for. It opens nothing. */
export function printDeviceMark(keys: TokenKeys, mark: Credential): string {
  return printCredential('dv', keys, mark)
}

export function readDeviceMark(keys: TokenKeys, text: string): Credential | undefined {
  return readCredential('dv', keys, text)
}
