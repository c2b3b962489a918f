import { eventWrite } from '../audit/event-write.ts'
import { verifyTotp } from '../crypto/one-time-code.ts'
import { hasSecondFactor, type Factors } from '../domain/factors.ts'
import { check, put, ref, type Decision } from '../domain/record.ts'
import { isStillIn, strengthenSession } from '../domain/session-state.ts'
import { sealAuthenticatorSecret } from '../keys/authenticator-secret.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext } from './context.ts'
import { factorsRef } from './find-factors.ts'
import { makeRecoveryCodes } from './recovery-codes.ts'

export type Enrolled =
  /** `recoveryCodes`: shown once, where the account had no second factor before. */
  { readonly recoveryCodes: readonly string[] | undefined } | { readonly refused: 'wrong_code' | 'has_one' | 'gone' }

/**
 * An authenticator becomes the account's by its first right code, which proves that it holds the secret, and which no sign-in
 * takes a second time. The session in which it happens has shown both factors from then on.
 */
export async function enrolAuthenticator(
  context: AccountsContext,
  asked: {
    readonly userId: string
    readonly sessionId: string
    readonly secret: Uint8Array
    readonly code: string
    readonly address: string
  },
): Promise<Enrolled> {
  const { userId, sessionId, secret, code, address } = asked
  const sealed = sealAuthenticatorSecret(await context.protection(), userId, secret)
  const fresh = makeRecoveryCodes(context.random, userId)
  const added = eventWrite(context, { type: 'factor.added', userId, sessionId, address, target: 'authenticator' })
  const made = eventWrite(context, { type: 'recovery_codes.made', userId, sessionId, address })
  const refs = {
    instance: ref('instance', 'self'),
    user: ref('user', userId),
    factors: factorsRef(userId),
    session: ref('session', sessionId),
  }
  return transition(context.transition, refs, ({ instance, user, factors, session }, now): Decision<Enrolled> => {
    // L4: what ended the account's sessions a moment ago must find nothing new in it afterwards.
    if (session.value === undefined || !isStillIn({ instance, user, session }, now))
      return { writes: [], result: { refused: 'gone' } }
    const before = factors.value
    if (before?.authenticator !== undefined) return { writes: [], result: { refused: 'has_one' } }
    const lastStep = verifyTotp({ secret, code, now })
    if (lastStep === undefined) return { writes: [], result: { refused: 'wrong_code' } }
    const isFirst = !hasSecondFactor(before)
    const after: Factors = {
      v: 1,
      ...before,
      recoveryHashes: isFirst ? fresh.hashes : before.recoveryHashes,
      authenticator: { sealed, lastStep, createdAt: now },
    }
    return {
      writes: [
        check(user),
        check(instance),
        put(factors, after, { expiresAt: null, owners: [userId] }),
        strengthenSession(session, session.value, ['otp']),
        added,
        ...(isFirst ? [made] : []),
      ],
      result: { recoveryCodes: isFirst ? fresh.codes : undefined },
    }
  })
}
