import { importKey, importProblem } from '../domain/import-key.ts'
import type { ImportedKeyTerms, KeyRecord } from '../domain/key.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { RootKey } from '../tokens/macaroon/root-key.ts'
import { nextKeyRef } from './key-records.ts'
import type { RotationContext } from './rotation.ts'

export type ImportedRootKey = ImportedKeyTerms & { readonly rootKey: RootKey }

/** A root key can't be taken in; the message says why and what mends it. */
export class ImportRefused extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'ImportRefused'
  }
}

const mostLooks = 5

/** Bring the root key of another server. Throws ImportRefused. */
export async function importRootKey(
  context: RotationContext,
  { rootKey, ...terms }: ImportedRootKey,
  actor: string,
): Promise<KeyRecord> {
  const { clock, random, store, protection } = context
  for (let look = 1; look <= mostLooks; look++) {
    const known = context.known()
    const names = known.flatMap(({ record }) => record.imported?.name ?? [])
    const resource = await readAlive(store, ref('resource', terms.resource), clock.seconds())
    const problem = importProblem(terms, { resource, names, now: clock.seconds() })
    if (problem !== undefined) throw new ImportRefused(problem)
    const place = nextKeyRef('macaroon-root', known)
    const sealed = protection.seal('key', place.id, rootKey)
    const ids = { event: random.id(clock.millis()), change: random.id(clock.millis()) }
    const outcome = await transition(context, { place }, (slots, now) =>
      importKey(slots.place, { terms, sealed, now, actor, ids }),
    )
    await context.reload()
    if (outcome !== 'taken') return outcome
  }
  throw new Error('other processes kept making keys of the ring macaroon-root')
}
