import { factorsRef, findFactors } from '../accounts/find-factors.ts'
import { recordRefusal } from '../audit/refusals.ts'
import { sha256 } from '../crypto/hash.ts'
import { readPasskeyAnswer, verifyPasskey, type Ceremony, type PasskeyAnswer } from '../crypto/passkey.ts'
import { passkeyMethods, passkeysOf, type Passkey } from '../domain/factors.ts'
import { put, ref, remove, type Decision, type Ref } from '../domain/record.ts'
import { barReasons, signInBar } from '../domain/sign-in-bar.ts'
import type { User } from '../domain/user.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import { issuerUrl } from '../protocol/issuer-url.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import { passkeyChallengeLives, readPasskeyChallenge, type ChallengePlace } from '../tokens/passkey-challenge.ts'
import { readBrowser } from './browser.ts'
import type { BrowserContext, FactorContext } from './context.ts'

export type PasskeyContext = BrowserContext & FactorContext

/** An answer to a challenge of ours, from the place and for the purpose that it was made for; its signature is still to be checked. */
export type Answered = {
  readonly answer: PasskeyAnswer
  readonly ceremony: Ceremony
  /** WebAuthn L3 §13.4.3: a challenge is answered once. It goes into the commit of what the answer does. */
  readonly once: { readonly ref: Ref<'once'>; readonly until: EpochSeconds }
}

/** The name that passkeys are bound to; undefined where the issuer has none, only an address (WebAuthn L3 §5.1.2). */
export function rpIdOf({ issuer }: { readonly issuer: string }): string | undefined {
  const { hostname } = issuerUrl(issuer)
  return /^[\d.]+$|^\[/.test(hostname) ? undefined : hostname
}

export async function readAnswered(
  context: Pick<BrowserContext, 'issuer' | 'clock' | 'keys' | 'directory'>,
  place: ChallengePlace,
  text: string,
): Promise<Answered | undefined> {
  const answer = readPasskeyAnswer(text)
  const rpId = rpIdOf(context)
  if (answer === undefined || rpId === undefined) return undefined
  const { challenge } = answer
  const madeAt = readPasskeyChallenge(context.keys, place, { text: challenge, now: context.clock.seconds() })
  // FLT-33: what was made before a backup was restored may have been answered since.
  const { restoredAt = 0 } = await context.directory.instance()
  if (madeAt === undefined || madeAt <= restoredAt) return undefined
  return {
    answer,
    ceremony: { challenge, origin: issuerUrl(context.issuer).origin, rpId },
    once: {
      ref: ref('once', sha256(`passkey challenge\n${challenge}`)),
      until: madeAt + passkeyChallengeLives + 60,
    },
  }
}

export type PasskeyAttempt = {
  readonly text: string
  readonly purpose: string
  /** Whose it must be. Absent: whose it says it is, which its signature then proves. */
  readonly userId?: string
  /** The half sign-in that it completes: used up in the same commit. */
  readonly attemptId?: string | undefined
}

export type PasskeyProof = { readonly user: User; readonly amr: readonly string[] }

/** Somebody shows a passkey: of a challenge of this browser, once, with a counter that rises, and its person verified by his device. */
export async function proveByPasskey(
  context: PasskeyContext,
  http: HttpRequest,
  attempt: PasskeyAttempt,
): Promise<PasskeyProof | Refusal> {
  const { address } = http.peer
  const reserved = context.limits.reserve('passkey', [address])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  let wrong = false
  try {
    const proof = await prove(context, http, attempt)
    wrong = isRefusal(proof)
    if (isRefusal(proof)) {
      const { userId } = attempt
      const about = userId === undefined ? {} : { userId }
      await recordRefusal(context, { type: 'signin.failed', ...about, address, reason: proof.reason })
    }
    return proof
  } finally {
    if (!wrong) reserved.forgive()
  }
}

async function prove(
  context: PasskeyContext,
  http: HttpRequest,
  { text, purpose, userId: expected, attemptId }: PasskeyAttempt,
): Promise<PasskeyProof | Refusal> {
  const browser = readBrowser(context, http)
  const answered = browser === undefined ? undefined : await readAnswered(context, { browser, purpose }, text)
  const userId = expected ?? answered?.answer.userHandle
  if (answered === undefined || userId === undefined) return wrongPasskey
  const { answer, ceremony, once } = answered
  // H22: looked for among those of this account alone.
  const passkey = passkeysOf(await findFactors(context, userId)).find(({ id }) => id === answer.id)
  const counter = passkey === undefined ? undefined : await verifyPasskey(answer, { ceremony, passkey })
  const user = await context.directory.user(userId)
  if (passkey === undefined || counter === undefined || user === undefined) return wrongPasskey
  const bar = signInBar(user)
  if (bar !== undefined) return refuse('invalid_grant', barReasons[bar])
  const used = await usePasskey(context, { userId, passkey, counter, once, attemptId })
  return used ? { user, amr: passkeyMethods(passkey) } : wrongPasskey
}

/** H21: one commit uses the challenge up, notes the counter, and takes the half sign-in with it; of two at once one comes through. */
function usePasskey(
  context: PasskeyContext,
  about: {
    readonly userId: string
    readonly passkey: Passkey
    readonly counter: number
    readonly once: Answered['once']
    readonly attemptId: string | undefined
  },
): Promise<boolean> {
  const { userId, passkey, counter, once, attemptId } = about
  const refs: {
    readonly factors: Ref<'factors'>
    readonly once: Ref<'once'>
    readonly attempt?: Ref<'attempt'>
  } = {
    factors: factorsRef(userId),
    once: once.ref,
    ...(attemptId !== undefined && { attempt: ref('attempt', attemptId) }),
  }
  return transition(context.transition, refs, ({ factors, once: slot, attempt }, now): Decision<boolean> => {
    const no = { writes: [], result: false }
    const { value } = factors
    const stored = passkeysOf(value).find(({ id }) => id === passkey.id)
    // The signature was checked against this key and this counter.
    if (value === undefined || stored?.publicKey !== passkey.publicKey || stored.counter !== passkey.counter) return no
    if (slot.value !== undefined || (attempt !== undefined && attempt.value === undefined)) return no
    const passkeys = passkeysOf(value).map((one) =>
      one.id === passkey.id ? { ...one, counter, lastUsedAt: now } : one,
    )
    return {
      writes: [
        put(slot, { v: 1 }, { expiresAt: once.until, owners: [] }),
        put(factors, { ...value, passkeys }, { expiresAt: null }),
        ...(attempt === undefined ? [] : remove(attempt)),
      ],
      result: true,
    }
  })
}

const wrongPasskey = refuse('invalid_grant', 'passkey_wrong')
