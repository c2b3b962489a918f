import type { AccessClaims } from './access-claims.ts'
import { isWithin, parseAttenuation, type Attenuation } from './attenuation.ts'
import type { CaveatContext } from './caveat-context.ts'
import type { TokenRefusal } from './token-refusal.ts'

/** Claims within everything that was added to them, in the macaroon itself and in its discharges. */
export function narrowClaims(
  claims: AccessClaims,
  { own, discharged }: { readonly own: readonly string[]; readonly discharged: readonly string[] },
  context: CaveatContext,
): AccessClaims | TokenRefusal {
  const added = allOf(own.map(parseAttenuation))
  const confirmed = allOf(discharged.map(parseAttenuation))
  if (added === undefined || confirmed === undefined) return { refused: 'token_caveat' }
  if (!areMet(added, context) || !confirmed.every((one) => isWithin(one, context))) return { refused: 'token_caveat' }
  const attenuations = [...added, ...confirmed]
  const within = (kind: 'scope' | 'aud', held: readonly string[]) =>
    attenuations.reduce((left, one) => (one.kind === kind ? left.filter((item) => one.any.includes(item)) : left), held)
  const aud = within('aud', claims.aud)
  if (aud.length === 0) return { refused: 'token_caveat' }
  return {
    ...claims,
    aud,
    scope: within('scope', claims.scope),
    exp: attenuations.reduce((end, one) => (one.kind === 'time' ? Math.min(end, one.before) : end), claims.exp),
    caveats: own,
  }
}

/**
 * Whether a call is within all of them, in their order: behind `connection =` a path is one at its provider, before it one of ours.
 * What is added later never changes what stands there already (K05).
 */
function areMet(attenuations: readonly Attenuation[], context: CaveatContext): boolean {
  let call = context
  return attenuations.every((one) => {
    const isMet = isWithin(one, call)
    if (one.kind === 'connection' && context.connection !== undefined) call = { ...call, path: context.connection.path }
    return isMet
  })
}

function allOf(list: readonly (Attenuation | undefined)[]): readonly Attenuation[] | undefined {
  return list.every((one) => one !== undefined) ? list : undefined
}
