import { sha256 } from '../crypto/hash.ts'
import { identityText } from '../domain/identity.ts'
import { ref, type Ref } from '../domain/record.ts'

/** Where an identity is kept as a name, so that it is one account's alone. */
export function identityNameRef(issuer: string, subject: string): Ref<'name'> {
  return ref('name', `identity:${sha256(identityText(issuer, subject))}`)
}

/** Where an account keeps what it is at a provider: one place, so one identity. */
export function identityRef(userId: string, provider: string): Ref<'identity'> {
  return ref('identity', `${userId}:${provider}`)
}
