import type { Factors } from '../domain/factors.ts'
import { passkeysOf } from '../domain/factors.ts'
import type { PasskeyRequest } from '../pages/passkey-form.ts'
import { rpIdOf } from '../signin/passkey.ts'
import { printPasskeyChallenge } from '../tokens/passkey-challenge.ts'
import type { Core } from './core.ts'

/** What a challenge on the sign-in page is for. */
export const passkeySignIn = 'sign-in'

/** What a browser is asked to sign, where passkeys are possible at all. Without `factors` it offers whatever it has for this server. */
export function passkeyRequest(
  core: Core,
  { browser, purpose, factors }: { readonly browser: string; readonly purpose: string; readonly factors?: Factors },
): PasskeyRequest | undefined {
  const rpId = rpIdOf(core)
  if (rpId === undefined) return undefined
  const { clock, random } = core
  const challenge = printPasskeyChallenge(core.keys, { browser, purpose }, { now: clock.seconds(), random })
  return { challenge, rpId, allow: passkeysOf(factors).map(({ id }) => id) }
}
