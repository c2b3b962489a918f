import { passkeysOf } from '../domain/factors.ts'
import { changeFactors, type Changing, type FactorsChanged, type FactorsContext } from './change-factors.ts'

/** A person calls one of his passkeys by another name. */
export function renamePasskey(
  context: FactorsContext,
  changing: Changing,
  { passkey, name }: { readonly passkey: string; readonly name: string },
): Promise<FactorsChanged> {
  return changeFactors(context, changing, {
    type: 'factor.renamed',
    target: `passkey ${passkey}`,
    judge: (before) => {
      const passkeys = passkeysOf(before)
      if (before === undefined || !passkeys.some(({ id }) => id === passkey)) return { refused: 'not_found' }
      return { ...before, passkeys: passkeys.map((one) => (one.id === passkey ? { ...one, name } : one)) }
    },
  })
}
