import type { EpochSeconds } from '../protocol/time.ts'
import type { Errand } from './flow.ts'
import type { ProvedAt } from './session.ts'

/** An account elsewhere, by which somebody is known here. One for each provider and account; its id is `<user id>:<provider>`. */
export type Identity = {
  readonly v: 1
  readonly userId: string
  readonly provider: string
  /** With the subject, who it is: nothing else ever says so. */
  readonly issuer: string
  readonly subject: string
  /** What the person was called there when he last signed in by it, or when it was linked: to recognise it by. */
  readonly label: string
  readonly linkedAt: EpochSeconds
}

/** Somebody who proved an identity that no account has, while he chooses his name. */
export type Newcomer = {
  readonly v: 1
  /** SHA-256 of the browser cookie. */
  readonly browserHash: string
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  readonly label: string
  readonly suggestion: string
  readonly fullName?: string
  readonly email?: string
  /** How he proved it, and how long he wants to stay signed in. */
  readonly amr: readonly string[]
  /** When. Absent: on the page of ours that he came by. */
  readonly proved?: ProvedAt
  readonly lasts?: number
  /** What the site gave for him, sealed for this record, and how many recalls of it there had been before; absent: none. */
  readonly credential?: { readonly sealed: string; readonly keyId: string; readonly recallsBefore?: number }
  /** What he came for. */
  readonly errand: Errand
}

type Named = Pick<Identity, 'issuer' | 'subject'>

/** A subject says who somebody is only together with its issuer. */
export function isSameIdentity(one: Named, other: Named): boolean {
  return one.issuer === other.issuer && one.subject === other.subject
}

/** Text that two different identities never share: lengths in front. */
export function identityText(issuer: string, subject: string): string {
  return `identity\n${issuer.length}:${issuer}\n${subject.length}:${subject}`
}
