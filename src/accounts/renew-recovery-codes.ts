import { hasSecondFactor } from '../domain/factors.ts'
import { changeFactors, type Changing, type FactorsChanged, type FactorsContext } from './change-factors.ts'

/** New codes in place of all the old ones; none for an account that has no second factor that they could stand in for. */
export function renewRecoveryCodes(context: FactorsContext, changing: Changing): Promise<FactorsChanged> {
  return changeFactors(context, changing, {
    type: 'recovery_codes.made',
    judge: (before) => (hasSecondFactor(before) ? before : { refused: 'not_found' }),
  })
}
