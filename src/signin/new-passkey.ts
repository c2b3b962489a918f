import { addPasskey } from '../accounts/add-passkey.ts'
import type { FactorsChanged, FactorsContext, Showing } from '../accounts/change-factors.ts'
import { findFactors } from '../accounts/find-factors.ts'
import { encodeTextBase64url } from '../crypto/encoding.ts'
import { passkeyAlgorithms, verifyNewPasskey } from '../crypto/passkey.ts'
import { passkeysOf } from '../domain/factors.ts'
import type { User } from '../domain/user.ts'
import type { PasskeyCreation } from '../pages/passkey-form.ts'
import { printPasskeyChallenge, type ChallengePlace } from '../tokens/passkey-challenge.ts'
import type { BrowserContext } from './context.ts'
import { readAnswered, rpIdOf } from './passkey.ts'

export type NewPasskeyContext = FactorsContext & BrowserContext & { readonly look: { readonly productName: string } }

/** What a device is asked to make; undefined where the issuer has no name that a passkey could be bound to. */
export async function passkeyCreation(
  context: NewPasskeyContext,
  place: ChallengePlace,
  user: User,
): Promise<PasskeyCreation | undefined> {
  const rpId = rpIdOf(context)
  if (rpId === undefined) return undefined
  const { keys, clock, random, look } = context
  return {
    challenge: printPasskeyChallenge(keys, place, { now: clock.seconds(), random }),
    rp: { id: rpId, name: look.productName },
    user: {
      id: encodeTextBase64url(user.userId),
      name: user.username,
      displayName: user.fullName ?? user.username,
    },
    exclude: passkeysOf(await findFactors(context, user.userId)).map(({ id }) => id),
    algorithms: passkeyAlgorithms,
  }
}

/** H22: what answers a challenge becomes the account's of the session or grant that asked for it, whatever else is sent along. */
export async function takePasskey(
  context: NewPasskeyContext,
  changing: Showing,
  { place, text, name }: { readonly place: ChallengePlace; readonly text: string; readonly name: string },
): Promise<(FactorsChanged & { readonly passkeyId: string }) | 'unproved'> {
  const answered = await readAnswered(context, place, text)
  const key = answered === undefined ? undefined : await verifyNewPasskey(answered.answer, answered.ceremony)
  if (answered === undefined || key === undefined) return 'unproved'
  return { ...(await addPasskey(context, changing, { key, name, once: answered.once })), passkeyId: key.id }
}
