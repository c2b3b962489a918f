import type { AccessClaims } from './access-claims.ts'
import { isWithin, parseAttenuation, type Attenuation } from './attenuation.ts'
import type { CaveatContext } from './caveat-context.ts'
import type { TokenRefusal } from './token-refusal.ts'

/** Claims within everything that was added to them. */
export function narrowClaims(
  claims: AccessClaims,
  predicates: readonly string[],
  shown: readonly string[],
  context: CaveatContext,
): AccessClaims | TokenRefusal {
  const attenuations = allOf(predicates.map(parseAttenuation))
  if (attenuations === undefined || !attenuations.every((one) => isWithin(one, context)))
    return { refused: 'token_caveat' }
  const within = (kind: 'scope' | 'aud', held: readonly string[]) =>
    attenuations.reduce((left, one) => (one.kind === kind ? left.filter((item) => one.any.includes(item)) : left), held)
  const aud = within('aud', claims.aud)
  if (aud.length === 0) return { refused: 'token_caveat' }
  return {
    ...claims,
    aud,
    scope: within('scope', claims.scope),
    exp: attenuations.reduce((end, one) => (one.kind === 'time' ? Math.min(end, one.before) : end), claims.exp),
    caveats: shown,
  }
}

function allOf(list: readonly (Attenuation | undefined)[]): readonly Attenuation[] | undefined {
  return list.every((one) => one !== undefined) ? list : undefined
}
