import { factorsRef, findFactors } from '../accounts/find-factors.ts'
import { noticeWrites } from '../accounts/notice-writes.ts'
import type { LettersContext } from '../accounts/request-letter.ts'
import { eventWrite } from '../audit/event-write.ts'
import { recordRefusal } from '../audit/refusals.ts'
import { equalDigests } from '../crypto/equal-digests.ts'
import { verifyTotp } from '../crypto/one-time-code.ts'
import { recoveryHash } from '../crypto/recovery-code.ts'
import { afterGuess, guessWait, hasSecondFactor, type Factors } from '../domain/factors.ts'
import { put, ref, remove, type Decision, type Ref, type Slot } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { openAuthenticatorSecret } from '../keys/authenticator-secret.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import { transition } from '../store/transition.ts'
import type { FactorContext } from './context.ts'
import type { KnownDevice } from './known-devices.ts'

/** The methods (RFC 8176 §2) that a right second factor adds. A recovery code is no `otp`: it stands in for what was lost. */
export type FactorProof = { readonly amr: readonly string[] }

type CodeContext = FactorContext & LettersContext

export type CodeAttempt = {
  readonly user: User
  readonly code: string
  readonly address: string
  /** The half sign-in that the code completes: used up in the same commit. */
  readonly attemptId?: string | undefined
  /** Whom the browser is known for. */
  readonly devices: readonly KnownDevice[]
}

const oneTimeCodeShape = /^\d{6}$/

/** A code as somebody types it who has proved his first factor: of his authenticator, each once, or one for recovery, each once. */
export async function verifyCode(context: CodeContext, attempt: CodeAttempt): Promise<FactorProof | Refusal> {
  const { userId } = attempt.user
  const { address } = attempt
  const typed = attempt.code.slice(0, 64).replaceAll(' ', '')
  const isOneTime = oneTimeCodeShape.test(typed)
  // H04: reserved before anything awaits, so that parallel codes can't exceed the budget together.
  const reserved = isOneTime ? reserveGuess(context, attempt) : context.limits.reserve('recovery-code', [address])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  let wrong = false
  try {
    const proof = isOneTime ? await useOneTimeCode(context, attempt, typed) : await useRecoveryCode(context, attempt)
    // Told to wait, nobody guessed.
    if (!isRefusal(proof) || proof.retryAfter !== undefined) return proof
    wrong = true
    await recordRefusal(context, { type: 'signin.failed', userId, address, reason: proof.reason })
    return proof
  } finally {
    if (!wrong) reserved.forgive()
  }
}

/** Who guesses in browsers of his own uses up nothing of those that the account is known in (docs/decisions/0011). */
function reserveGuess({ limits }: CodeContext, { user: { userId }, address, devices }: CodeAttempt) {
  const device = devices.find((known) => known.userId === userId)
  return device === undefined
    ? limits.reserve('second-factor', [userId, address])
    : limits.reserve('second-factor-known', [userId, device.nonce, address])
}

async function useOneTimeCode(context: CodeContext, attempt: CodeAttempt, code: string) {
  const { userId } = attempt.user
  const isKnown = attempt.devices.some((known) => known.userId === userId)
  const sealed = (await findFactors(context, userId))?.authenticator?.sealed
  if (sealed === undefined) return wrongFactor
  const secret = openAuthenticatorSecret(await context.protection(), userId, sealed)
  return useFactor(context, attempt, (slot, now) => {
    const { authenticator } = slot.value
    if (authenticator?.sealed !== sealed) return undefined
    const wait = isKnown ? 0 : guessWait(slot.value, now)
    if (wait > 0) return { writes: [], result: throttled(wait) }
    const lastStep = verifyTotp({ secret, code, now, lastStep: authenticator.lastStep })
    if (lastStep === undefined)
      return {
        writes: isKnown ? [] : [put(slot, afterGuess(slot.value, now), { expiresAt: null })],
        result: wrongFactor,
      }
    const after: Factors = { ...slot.value, authenticator: { ...authenticator, lastStep } }
    return { writes: [put(slot, after, { expiresAt: null })], result: { amr: ['otp'] } }
  })
}

async function useRecoveryCode(context: CodeContext, attempt: CodeAttempt) {
  const { user, address } = attempt
  const { userId } = user
  const hash = recoveryHash(userId, attempt.code)
  if (hash === undefined) return wrongFactor
  const used = eventWrite(context, { type: 'recovery_code.used', userId, address })
  const notice = noticeWrites(context, user, 'recovery_code.used')
  const proof = await useFactor(context, attempt, (slot) => {
    const { recoveryHashes } = slot.value
    const left = recoveryHashes.filter((other) => !equalDigests(other, hash))
    if (left.length === recoveryHashes.length) return undefined
    const after: Factors = { ...slot.value, recoveryHashes: left }
    return { writes: [put(slot, after, { expiresAt: null }), used, ...notice], result: { amr: [] } }
  })
  context.outbox?.wake()
  return proof
}

/** One commit uses the code up and the half sign-in with it (H16: of twenty at once one comes through). */
async function useFactor(
  context: CodeContext,
  { user: { userId }, attemptId }: CodeAttempt,
  judge: (
    slot: Slot<'factors'> & { readonly value: Factors },
    now: number,
  ) => Decision<FactorProof | Refusal> | undefined,
): Promise<FactorProof | Refusal> {
  const refs: { readonly factors: Ref<'factors'>; readonly attempt?: Ref<'attempt'> } = {
    factors: factorsRef(userId),
    ...(attemptId !== undefined && { attempt: ref('attempt', attemptId) }),
  }
  return transition(context.transition, refs, ({ factors, attempt }, now): Decision<FactorProof | Refusal> => {
    const { value } = factors
    if (!hasSecondFactor(value)) return { writes: [], result: wrongFactor }
    if (attempt !== undefined && attempt.value === undefined) return { writes: [], result: wrongFactor }
    const judged = judge({ ...factors, value }, now)
    if (judged === undefined) return { writes: [], result: wrongFactor }
    const { writes, result } = judged
    return isRefusal(result) || attempt === undefined ? judged : { writes: [...writes, ...remove(attempt)], result }
  })
}

const wrongFactor = refuse('invalid_grant', 'second_factor_wrong')
