import { printCredential, readCredential, type Credential } from './credential.ts'
import type { TokenKeys } from './keys-view.ts'

/** What the link in a letter carries, for the ticket `recordId`. */
export function printTicketToken(keys: TokenKeys, ticket: Credential): string {
  return printCredential('tk', keys, ticket)
}

export function readTicketToken(keys: TokenKeys, text: string): Credential | undefined {
  return readCredential('tk', keys, text)
}
