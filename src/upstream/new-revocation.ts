import { decodeUtf8 } from '../crypto/encoding.ts'
import type { Random } from '../crypto/random.ts'
import type { NewRevocation } from '../domain/give-back-errand.ts'
import type { Revocation } from '../domain/connection.ts'
import { ProtectionFailed } from '../keys/protection-failed.ts'
import type { Protection } from '../keys/protection.ts'
import type { Clock } from '../protocol/time.ts'

/** What writing errands needs of the house. */
export type RevocationContext = {
  readonly clock: Clock
  readonly random: Random
  readonly protection: () => Promise<Protection>
}

const kind = 'revocation'

/**
 * What an errand that gives tokens back is written with: its id, and a seal that opens in it alone, over the one that they have, so
 * that nobody who ends a connection sees its tokens. A command on a machine where the key is out of reach may end one all the same.
 */
export async function newRevocation({ clock, random, protection }: RevocationContext): Promise<NewRevocation> {
  const id = random.id(clock.millis())
  try {
    const { seal } = await protection()
    return { id, wrap: (sealed) => ({ sealed: seal(kind, id, Buffer.from(sealed, 'utf8')), wrapped: true }) }
  } catch (error) {
    if (!(error instanceof ProtectionFailed)) throw error
    return { id, wrap: (sealed) => ({ sealed }) }
  }
}

/** The tokens of an errand as their connection had sealed them; undefined: they are another errand's, or were altered. */
export function unwrapRevocation(
  { open }: Protection,
  id: string,
  { sealed, wrapped }: Pick<Revocation, 'sealed' | 'wrapped'>,
): string | undefined {
  if (wrapped !== true) return sealed
  try {
    return decodeUtf8(open(kind, id, sealed))
  } catch (error) {
    if (error instanceof ProtectionFailed) return undefined
    throw error
  }
}
