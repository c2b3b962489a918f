import { gaugePassword } from '../accounts/password-policy.ts'
import type { Parameters } from '../protocol/parameters.ts'
import type { Mistake } from './account/section.ts'
import type { Core } from './core.ts'

/** What a page says of a new password that was refused. `about`: words that belong to its owner. */
export async function weakPassword(
  core: Core,
  {
    password,
    about,
    typed,
  }: { readonly password: string; readonly about: readonly string[]; readonly typed?: Parameters },
): Promise<Mistake> {
  const strength = await gaugePassword(core.strength, password, about)
  return { says: 'password.weak', field: 'new_password', strength, ...(typed !== undefined && { typed }) }
}
