import { eventWrite } from '../audit/event-write.ts'
import { hasSecondFactor, type Factors } from '../domain/factors.ts'
import type { Imprint } from '../domain/grant.ts'
import { put, remove, type Decision, type Ref } from '../domain/record.ts'
import { strengthenSession } from '../domain/session-state.ts'
import type { User } from '../domain/user.ts'
import type { Limits } from '../limits/limits.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import { factorsRef } from './find-factors.ts'
import { noticeWrites } from './notice-writes.ts'
import { makeRecoveryCodes } from './recovery-codes.ts'
import type { LettersContext } from './request-letter.ts'
import {
  checkStanding,
  showedSecondFactor,
  standingRefs,
  stands,
  type Standing,
  type StandingRefs,
} from './standing.ts'

export type FactorsContext = LettersContext & { readonly limits: Pick<Limits, 'reserve'> }

/** Who changes his factors, and from where. */
export type Changing = { readonly user: User; readonly standing: Standing; readonly address: string }

/**
 * Where somebody has just shown a new factor. A browser's session goes on as a stronger one, under another cookie (G03); an
 * application's token stays what it is, and has no other made of it without a sign-in.
 */
export type Showing = Omit<Changing, 'standing'> &
  (
    | { readonly standing: Extract<Standing, { readonly sessionId: string }>; readonly imprint: Imprint }
    | { readonly standing: Extract<Standing, { readonly token: unknown }>; readonly imprint?: undefined }
  )

export type Unchanged = 'wrong_code' | 'has_one' | 'not_found' | 'gone' | 'too_many'

export type FactorsChanged =
  /** `recoveryCodes`: shown once, where the account had no second factor before, or wanted new ones. */
  | { readonly recoveryCodes: readonly string[] | undefined }
  | { readonly refused: Unchanged; readonly retryAfter?: Seconds }

type Change = {
  readonly type: 'factor.added' | 'factor.removed' | 'factor.renamed' | 'recovery_codes.made'
  readonly target?: string
  /** What may happen once, and until when it has to be remembered. */
  readonly once?: { readonly ref: Ref<'once'>; readonly until: EpochSeconds } | undefined
  /** What the session has shown with it, and its new imprint. */
  readonly shows?: { readonly methods: readonly string[]; readonly imprint: Imprint } | undefined
  readonly judge: (before: Factors | undefined, now: EpochSeconds) => Factors | { readonly refused: Unchanged }
}

/**
 * The one way in which a person's second factors change, whichever of them: he must still stand where he asked, recovery codes
 * come with the first and go with the last (alone they would be one), and whoever reads his letters hears of it.
 */
export async function changeFactors(
  context: FactorsContext,
  { user: known, standing, address }: Changing,
  { type, target, once, shows, judge }: Change,
): Promise<FactorsChanged> {
  const { userId } = known
  const reserved = context.limits.reserve('credential-change', [userId, address])
  if ('retryAfterSeconds' in reserved) return { refused: 'too_many', retryAfter: reserved.retryAfterSeconds }
  const fresh = makeRecoveryCodes(context.random, userId)
  const sessionId = 'sessionId' in standing ? standing.sessionId : undefined
  const about = { userId, actor: userId, address, ...(sessionId !== undefined && { sessionId }) }
  const event = eventWrite(context, { type, ...about, ...(target !== undefined && { target }) })
  const made = eventWrite(context, { type: 'recovery_codes.made', ...about })
  const notice = type === 'factor.renamed' ? [] : noticeWrites(context, known, type)
  const refs: StandingRefs & { readonly factors: Ref<'factors'>; readonly once?: Ref<'once'> } = {
    ...standingRefs(userId, standing),
    factors: factorsRef(userId),
    ...(once !== undefined && { once: once.ref }),
  }
  const changed = await transition(context.transition, refs, (slots, now): Decision<FactorsChanged> => {
    const { factors, session, once: used } = slots
    const no = (refused: Unchanged) => ({ writes: [], result: { refused } })
    if (!stands(slots, standing, now)) return no('gone')
    if (used?.value !== undefined) return no('has_one')
    if (hasSecondFactor(factors.value) && !showedSecondFactor(slots, standing)) return no('gone')
    const after = judge(factors.value, now)
    if ('refused' in after) return no(after.refused)
    const isFirst = !hasSecondFactor(factors.value)
    const wantsCodes = isFirst || type === 'recovery_codes.made'
    const kept = wantsCodes ? { ...after, recoveryHashes: fresh.hashes } : after
    const stronger =
      shows === undefined || session?.value === undefined ? [] : [strengthenSession(session, session.value, shows)]
    return {
      writes: [
        ...checkStanding(slots, stronger.length > 0),
        ...stronger,
        ...(used === undefined || once === undefined
          ? []
          : [put(used, { v: 1 }, { expiresAt: once.until, owners: [] })]),
        ...(hasSecondFactor(kept) ? [put(factors, kept, { expiresAt: null, owners: [userId] })] : remove(factors)),
        event,
        ...(isFirst ? [made] : []),
        ...notice,
      ],
      result: { recoveryCodes: wantsCodes ? fresh.codes : undefined },
    }
  })
  if ('refused' in changed) reserved.forgive()
  context.outbox?.wake()
  return changed
}
