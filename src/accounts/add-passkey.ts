import { eventWrite } from '../audit/event-write.ts'
import { hasSecondFactor, mostPasskeys, passkeyMethods, passkeysOf, type Factors } from '../domain/factors.ts'
import { check, put, ref, type Decision, type Ref } from '../domain/record.ts'
import { isStillIn, strengthenSession } from '../domain/session-state.ts'
import type { PasskeyKey } from '../crypto/passkey.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext } from './context.ts'
import type { Enrolled } from './enrol-authenticator.ts'
import { factorsRef } from './find-factors.ts'
import { makeRecoveryCodes } from './recovery-codes.ts'

export type NewPasskey = {
  readonly userId: string
  readonly sessionId: string
  readonly key: PasskeyKey & { readonly synced: boolean }
  readonly name: string
  /** That its challenge was answered, and until when it has to be remembered. */
  readonly once: { readonly ref: Ref<'once'>; readonly until: number }
  readonly address: string
}

/**
 * A passkey becomes the account's, in the session that asked for its challenge. That no other account has it is not asked: it is
 * only ever looked for among those of the account that it names.
 */
export async function addPasskey(context: AccountsContext, asked: NewPasskey): Promise<Enrolled> {
  const { userId, sessionId, key, name, once, address } = asked
  const fresh = makeRecoveryCodes(context.random, userId)
  const about = { userId, sessionId, address }
  const added = eventWrite(context, { type: 'factor.added', ...about, target: `passkey ${key.id}` })
  const made = eventWrite(context, { type: 'recovery_codes.made', ...about })
  const refs = {
    instance: ref('instance', 'self'),
    user: ref('user', userId),
    factors: factorsRef(userId),
    session: ref('session', sessionId),
    once: once.ref,
  }
  return transition(
    context.transition,
    refs,
    ({ instance, user, factors, session, once: used }, now): Decision<Enrolled> => {
      if (session.value === undefined || !isStillIn({ instance, user, session }, now))
        return { writes: [], result: { refused: 'gone' } }
      const before = factors.value
      const passkeys = passkeysOf(before)
      if (used.value !== undefined || passkeys.length >= mostPasskeys || passkeys.some(({ id }) => id === key.id))
        return { writes: [], result: { refused: 'has_one' } }
      const isFirst = !hasSecondFactor(before)
      const after: Factors = {
        v: 1,
        ...before,
        recoveryHashes: isFirst ? fresh.hashes : before.recoveryHashes,
        passkeys: [...passkeys, { ...key, name, createdAt: now }],
      }
      return {
        writes: [
          check(user),
          check(instance),
          put(used, { v: 1 }, { expiresAt: once.until, owners: [] }),
          put(factors, after, { expiresAt: null, owners: [userId] }),
          strengthenSession(session, session.value, passkeyMethods(key)),
          added,
          ...(isFirst ? [made] : []),
        ],
        result: { recoveryCodes: isFirst ? fresh.codes : undefined },
      }
    },
  )
}
