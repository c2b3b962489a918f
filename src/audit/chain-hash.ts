import { sha256 } from '../crypto/hash.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Seal, SealEntry } from '../domain/seal.ts'
import { canonical } from '../store/canonical.ts'

// Each begins with what it is of, so that nothing of one kind is ever the preimage of another.

/** What stands before the first seal: a chain can't be moved to another instance. */
export const genesisOf = (instanceId: string): string => sha256(`gatehouse events\n${instanceId}`)

export const entryOf = (id: string, event: AuditEvent): SealEntry => [
  id,
  event.at,
  sha256(`gatehouse event\n${canonical([id, event])}`),
]

export const rootOf = (entries: readonly SealEntry[]): string => sha256(`gatehouse entries\n${canonical(entries)}`)

export const sealHash = (seal: Seal): string => sha256(`gatehouse seal\n${canonical(seal)}`)
