import { verifyTotp } from '../crypto/one-time-code.ts'
import { sealAuthenticatorSecret } from '../keys/authenticator-secret.ts'
import { changeFactors, type FactorsChanged, type Showing, type FactorsContext } from './change-factors.ts'
import { noFactors } from './find-factors.ts'

/**
 * An authenticator becomes the account's by its first right code, which proves that it holds the secret, and which no sign-in
 * takes a second time. The session in which it happens, if it is one, has shown both factors from then on.
 */
export async function enrolAuthenticator(
  context: FactorsContext,
  { imprint, ...changing }: Showing,
  { secret, code }: { readonly secret: Uint8Array; readonly code: string },
): Promise<FactorsChanged> {
  const sealed = sealAuthenticatorSecret(await context.protection(), changing.user.userId, secret)
  return changeFactors(context, changing, {
    type: 'factor.added',
    target: 'authenticator',
    shows: imprint && { methods: ['otp'], imprint },
    judge: (before = noFactors, now) => {
      if (before.authenticator !== undefined) return { refused: 'has_one' }
      const lastStep = verifyTotp({ secret, code, now })
      if (lastStep === undefined) return { refused: 'wrong_code' }
      return { ...before, authenticator: { sealed, lastStep, createdAt: now } }
    },
  })
}
