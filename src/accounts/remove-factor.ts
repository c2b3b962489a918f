import { passkeysOf, type Factors } from '../domain/factors.ts'
import { changeFactors, type Changing, type FactorsChanged, type FactorsContext } from './change-factors.ts'

export type Which = 'authenticator' | { readonly passkey: string }

/** A person gives one of his second factors up. */
export function removeFactor(context: FactorsContext, changing: Changing, which: Which): Promise<FactorsChanged> {
  return changeFactors(context, changing, {
    type: 'factor.removed',
    target: which === 'authenticator' ? which : `passkey ${which.passkey}`,
    judge: (before) => (before === undefined ? undefined : without(before, which)) ?? { refused: 'not_found' },
  })
}

/** What is left; nothing, if that factor wasn't there. */
function without(factors: Factors, which: Which): Factors | undefined {
  if (which === 'authenticator') {
    const { authenticator, ...rest } = factors
    return authenticator === undefined ? undefined : rest
  }
  const before = passkeysOf(factors)
  const passkeys = before.filter(({ id }) => id !== which.passkey)
  return passkeys.length === before.length ? undefined : { ...factors, passkeys }
}
