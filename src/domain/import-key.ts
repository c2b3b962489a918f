import type { EpochSeconds } from '../protocol/time.ts'
import { isReservedScope } from '../protocol/scope.ts'
import { announce } from './change.ts'
import type { ImportedKeyTerms, KeyRecord } from './key.ts'
import { append, put, type Decision, type Slot } from './record.ts'
import type { Resource } from './resource.ts'

/** Longer than anybody should need to move. */
const longestImport = 2 * 366 * 24 * 60 * 60

const nameShape = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** Why a root key can't be taken in on these terms, as one line with its mend; nothing if it can. */
export function importProblem(
  terms: ImportedKeyTerms,
  about: { readonly resource: Resource | undefined; readonly names: readonly string[]; readonly now: EpochSeconds },
): string | undefined {
  const { name, scope, notAfter } = terms
  // A name that reads like one of our identifiers would be a key for our own macaroons.
  if (!nameShape.test(name) || name.startsWith('gth1.'))
    return 'the name of the key is 1 to 128 of A-Z a-z 0-9 . _ : - and does not begin with gth1.'
  if (about.names.includes(name)) return `a key named ${name} was imported already`
  if (about.resource === undefined || about.resource.disabled)
    return `there is no API ${terms.resource} that is switched on; make it first with gatehouse resource create`
  // SYSTEMS D: whoever has that key can mint with it, so it opens one API and never us.
  const beyond = scope.find((one) => isReservedScope(one) || !about.resource?.scope.includes(one))
  if (beyond !== undefined) return `the scope ${beyond} is not one of ${terms.resource}`
  if (notAfter <= about.now || notAfter > about.now + longestImport)
    return 'the end of the key lies in the past or more than two years ahead'
  return undefined
}

/** Take a root key in at a free place of its ring. It is retired from the beginning: it verifies until its end, and never mints. */
export function importKey(
  place: Slot<'key'>,
  input: {
    readonly terms: ImportedKeyTerms
    readonly sealed: string
    readonly now: EpochSeconds
    readonly actor: string
    readonly ids: { readonly event: string; readonly change: string }
  },
): Decision<KeyRecord | 'taken'> {
  if (place.value !== undefined) return { writes: [], result: 'taken' }
  const { terms, sealed, now, actor, ids } = input
  const record: KeyRecord = {
    v: 1,
    // No identifier of a macaroon of ours can name it.
    keyId: `import:${terms.name}`,
    ring: 'macaroon-root',
    state: 'retired',
    createdAt: now,
    activeFrom: now,
    retiredAt: now,
    removeAt: terms.notAfter,
    imported: terms,
    sealed,
  }
  return {
    writes: [
      put(place, record, { expiresAt: null, owners: [record.ring] }),
      append(ids.event, { v: 1, type: 'key.imported', at: now, target: `${record.ring}/${record.keyId}`, actor }),
      announce(ids.change, place, now),
    ],
    result: record,
  }
}
