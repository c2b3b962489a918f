import { eventWrite } from '../audit/event-write.ts'
import { recordRefusal } from '../audit/refusals.ts'
import { isImportedHash } from '../crypto/imported-password.ts'
import { longestPasswordBytes, PasswordPoolBusy } from '../crypto/password-pool.ts'
import { announce } from '../domain/change.ts'
import { put, ref, type Decision } from '../domain/record.ts'
import { barReasons, signInBar } from '../domain/sign-in-bar.ts'
import type { User } from '../domain/user.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'
import { normaliseUsername } from '../protocol/username.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { PasswordContext } from './context.ts'
import type { KnownDevice } from './known-devices.ts'
import { raiseAlarm } from './raise-alarm.ts'

export type PasswordAttempt = {
  readonly username: string
  readonly password: string
  readonly address: string
  /** Whom the browser is known for; absent where there is no browser. */
  readonly devices?: readonly KnownDevice[]
}

/**
 * The account behind a name and password. An unknown name costs the same hash and gets the same answer as a wrong password;
 * that an account is locked learns only who knows its password.
 */
export async function verifyPassword(context: PasswordContext, attempt: PasswordAttempt): Promise<User | Refusal> {
  // H07: nobody's password is so long, so saying it tells nothing.
  if (Buffer.byteLength(attempt.password) > longestPasswordBytes)
    return refuse('invalid_request', 'parameters_too_long', `a password has at most ${longestPasswordBytes} bytes`)
  const normal = normaliseUsername(attempt.username)
  // One counter per account, whatever way its name is written (H05); a name that can't exist is counted as typed.
  const account = isRefusal(normal) ? attempt.username.slice(0, 64) : normal
  const device = isRefusal(normal) ? undefined : await deviceOf(context, attempt, normal)
  // Reserved before the hash is computed, so that parallel attempts can't exceed the limit together (H04).
  const reserved =
    device === undefined
      ? context.limits.reserve('sign-in', [account, attempt.address])
      : context.limits.reserve('sign-in-known', [account, device.nonce, attempt.address])
  if ('retryAfterSeconds' in reserved) {
    if (reserved.everybody) await raiseAlarm(context)
    return throttled(reserved.retryAfterSeconds)
  }
  let evaluated = false
  try {
    const user = isRefusal(normal) ? undefined : await accountNamed(context, normal)
    // H03: who is known in this browser hardly waits behind strangers' guesses.
    const matches = await context.passwords.verify(user?.passwordHash, attempt.password, device !== undefined)
    evaluated = true
    if (user === undefined || !matches) {
      const reason = user === undefined ? 'user_unknown' : 'password_wrong'
      await recordFailure(context, attempt, { user, reason })
      return refuse('invalid_grant', reason)
    }
    const bar = signInBar(user)
    if (bar !== undefined) {
      const reason = barReasons[bar]
      await recordFailure(context, attempt, { user, reason })
      return refuse('invalid_grant', reason)
    }
    reserved.forgive()
    if (isImportedHash(user.passwordHash)) await renewHash(context, user, attempt.password)
    return user
  } finally {
    // A full queue or a store that doesn't answer is not the person's mistake.
    if (!evaluated) reserved.forgive()
  }
}

/** What another server kept is weaker: the first right password makes one of ours of it. The sign-in doesn't hang on that. */
async function renewHash(context: PasswordContext, user: User, password: string): Promise<void> {
  try {
    const passwordHash = await context.passwords.hash(password)
    const event = eventWrite(context, { type: 'user.password_rehashed', userId: user.userId })
    const noteId = context.random.id(context.clock.millis())
    await transition(context.transition, { slot: ref('user', user.userId) }, ({ slot }, now): Decision<void> => {
      // Another password was set meanwhile.
      if (slot.value === undefined || slot.value.passwordHash !== user.passwordHash)
        return { writes: [], result: undefined }
      const renewed = { ...slot.value, passwordHash }
      return {
        writes: [put(slot, renewed, { expiresAt: null }), announce(noteId, slot, now), event],
        result: undefined,
      }
    })
  } catch (error) {
    if (!(error instanceof PasswordPoolBusy)) throw error
  }
}

/** The browser as it is known for this very account. Looked up only for a browser that is known for somebody. */
async function deviceOf(
  context: PasswordContext,
  { devices = [] }: PasswordAttempt,
  normal: string,
): Promise<KnownDevice | undefined> {
  if (devices.length === 0) return undefined
  const user = await accountNamed(context, normal)
  return devices.find(({ userId }) => userId === user?.userId)
}

async function accountNamed(context: PasswordContext, normal: string): Promise<User | undefined> {
  const name = await readAlive(context.transition.store, ref('name', `username:${normal}`), context.clock.seconds())
  return name === undefined ? undefined : context.directory.user(name.target)
}

async function recordFailure(
  context: PasswordContext,
  attempt: PasswordAttempt,
  { user, reason }: { readonly user: User | undefined; readonly reason: Reason },
): Promise<void> {
  await recordRefusal(context, {
    type: 'signin.failed',
    ...(user === undefined ? {} : { userId: user.userId }),
    address: attempt.address,
    reason,
  })
}
