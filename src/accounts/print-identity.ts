import type { Identity } from '../domain/identity.ts'

/** An account elsewhere, as those see it whose it is or who administer. */
export function printIdentity({ provider, issuer, subject, label, linkedAt }: Identity) {
  return { provider, issuer, subject, label, linked_at: linkedAt }
}
