import { z } from 'zod'
import { askToConfirm } from '../../accounts/ask-to-confirm.ts'
import { deleteUser } from '../../accounts/delete-user.ts'
import { patchUser } from '../../accounts/patch-user.ts'
import { emailProblem } from '../../accounts/user-fields.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import { ref } from '../../domain/record.ts'
import type { User } from '../../domain/user.ts'
import { problem } from '../../protocol/problem.ts'
import { printScope } from '../../protocol/scope.ts'
import type { Seconds } from '../../protocol/time.ts'
import { changeOwnPassword } from '../../signin/change-own-password.ts'
import { readAlive } from '../../store/read-alive.ts'
import { staleSignIn, weakSignIn } from '../caller.ts'
import type { ApiContext } from '../context.ts'
import type { Rejected } from '../result.ts'
import { operation, type Operation } from '../operation.ts'
import { bearer, oneself, oneselfJustNow } from '../policy.ts'
import { exampleUser, instant, role, selfChange, shownUser, user, userId } from './user-shape.ts'

const passwordChange = z
  .strictObject({
    current_password: z.string().min(1).max(1_024).exactOptional().meta({
      writeOnly: true,
      description:
        'Needed of an account that has a password, unless its person signed in in a browser within the last five minutes. What is sent must be right; of an account without a password it isn’t looked at.',
    }),
    new_password: z
      .string()
      .min(1)
      .max(1_024)
      .meta({ writeOnly: true, description: 'At least 10 characters that are not easy to guess.' }),
  })
  .meta({ id: 'PasswordChange' })

const tokenSession = z
  .strictObject({
    user_id: userId.nullable().meta({ description: 'null: the client acts for itself.' }),
    username: z.string().nullable(),
    role: role.nullable().meta({ description: 'As it is now, whatever it was when the token was made.' }),
    scope: z.string().meta({ description: 'What the token may do here now, separated by spaces.' }),
    client_id: z.string(),
    expires_at: instant,
  })
  .meta({ id: 'TokenSession', description: 'Whom a token speaks for.' })

export const meOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/me/session',
    id: 'whoAmI',
    tag: 'Oneself',
    summary: 'Whom this token speaks for',
    description: 'For any live token whose audience is this server; 401 for every other.',
    policy: bearer,
    answer: { status: 200, schema: tokenSession },
    example: {
      answer: {
        user_id: exampleUser.user_id,
        username: 'ada',
        role: 'editor',
        scope: 'openid me',
        client_id: 'web',
        expires_at: 1_795_000_900,
      },
    },
    async perform({ caller: { live, scopes } }) {
      const { user, claims } = live
      return {
        done: {
          user_id: user?.userId ?? null,
          username: user?.username ?? null,
          role: user?.role ?? null,
          scope: printScope(scopes),
          client_id: claims.clientId,
          expires_at: claims.exp,
        },
      }
    },
  }),
  operation({
    method: 'GET',
    path: '/api/v1/me',
    id: 'getMe',
    tag: 'Oneself',
    summary: 'Show my account',
    policy: oneself,
    answer: { status: 200, schema: user },
    example: { answer: exampleUser },
    async perform({ caller }) {
      return { done: shownUser(caller.user) }
    },
  }),
  operation({
    method: 'PATCH',
    path: '/api/v1/me',
    id: 'updateMe',
    tag: 'Oneself',
    summary: 'Change my names or address',
    description:
      'Where the server sends letters, another address becomes the account’s when the link in a letter to it was opened; until then the established one stays.',
    policy: oneselfJustNow,
    body: selfChange,
    answer: { status: 200, schema: user },
    refusals: ['conflict', 'rate_limited'],
    example: { body: { full_name: 'Augusta Ada King' }, answer: { ...exampleUser, full_name: 'Augusta Ada King' } },
    async perform({ context, caller, body, address }) {
      const { full_name: fullName, email, ...names } = body
      const byLetter = context.outbox !== undefined && typeof email === 'string' && email !== caller.user.email
      if (byLetter) {
        const refused = await letterTo(context, { user: caller.user, email, address })
        if (refused !== undefined) return refused
      }
      const rest = byLetter || email === undefined ? names : { ...names, email }
      const patch = { ...rest, ...(fullName !== undefined && { fullName }) }
      const updated = await patchUser(context, { actor: caller.actor, userId: caller.user.userId, patch, own: true })
      return 'refused' in updated ? updated : { done: shownUser(updated.done) }
    },
  }),
  operation({
    method: 'DELETE',
    path: '/api/v1/me',
    id: 'deleteMe',
    tag: 'Oneself',
    summary: 'Delete my account',
    description: 'Every session and token of it is dead with it. This cannot be undone.',
    policy: oneselfJustNow,
    answer: { status: 204 },
    example: {},
    async perform({ context, caller }) {
      const deleted = await deleteUser(context, { actor: caller.actor, userId: caller.user.userId, own: true })
      return 'refused' in deleted ? deleted : { done: undefined }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/password',
    id: 'changeMyPassword',
    tag: 'Oneself',
    summary: 'Change my password',
    description:
      'By the current password, of which wrong ones are counted as at sign-in; or by a sign-in in a browser within the last five minutes (max_age=300 in the authorization request) whose session still holds, with a second factor where the account has one: never by a token that was made for a program or got for a password, nor by a macaroon. A person whose account has no password gives it one by a recent sign-in. Every session and token of the account ends, this token too; the browser session that it came of stays.',
    policy: oneself,
    body: passwordChange,
    answer: { status: 204 },
    refusals: ['conflict', 'forbidden', 'rate_limited', 'recent_sign_in_needed'],
    example: {
      body: { current_password: 'correct horse battery staple', new_password: 'a quiet harbour in november' },
    },
    async perform({ context, caller, body, address }) {
      const { user: me, actor, live } = caller
      if (me.bot) return { refused: problem('forbidden', { detail: 'a bot has no password; it gets tokens' }) }
      // As on the account page: where there is no password to ask for, only a sign-in of just now says that it is he.
      const weak =
        me.passwordHash === undefined
          ? await staleSignIn(context, { policy: oneselfJustNow, caller, named: [] })
          : await weakSignIn(context, caller)
      if (weak !== undefined) return weak
      const grant = await readAlive(context.transition.store, ref('grant', live.claims.gid), context.clock.seconds())
      const changed = await changeOwnPassword(context, {
        actor,
        user: me,
        // None behind what was minted, or got for a password.
        sessionId: grant?.authentication.sessionId,
        grantId: live.claims.gid,
        // A macaroon may be anybody's by now.
        maySignInDo: live.claims.caveats === undefined,
        current: body.current_password,
        wanted: body.new_password,
        address,
      })
      if ('done' in changed) return { done: undefined }
      if ('retryAfter' in changed) return tooMany(changed.retryAfter)
      if ('unproved' in changed) return unproved[changed.unproved]
      const { refused } = changed
      return { refused: refused.field === 'password' ? { ...refused, field: 'new_password' } : refused }
    },
  }),
]

const tooMany = (retryAfter: Seconds) => ({
  refused: problem('rate_limited', { detail: 'too many attempts: wait before the next one' }),
  retryAfter,
})

const wrongCurrent = (detail: string): Rejected => ({
  refused: problem('invalid_field', { field: 'current_password', detail }),
})
const unproved: Readonly<Record<'needed' | 'wrong' | 'renamed', Rejected>> = {
  needed: wrongCurrent(
    `current_password is needed, or a sign-in in a browser within the last ${lifetimes.recentSignIn / 60} minutes (max_age=${lifetimes.recentSignIn} in the authorization request)`,
  ),
  wrong: wrongCurrent('current_password is not the password of this account'),
  renamed: { refused: problem('conflict', { detail: 'the account was renamed meanwhile: try again' }) },
}

/** H18: the established address stays until the new one has answered. */
async function letterTo(
  context: ApiContext,
  { user, email, address }: { readonly user: User; readonly email: string; readonly address: string },
): Promise<Rejected | undefined> {
  const malformed = emailProblem(email)
  if (malformed !== undefined) return { refused: malformed }
  const asked = await askToConfirm(context, { user, email, language: user.language ?? 'en', address })
  if (asked === 'asked') return undefined
  return {
    refused: problem('rate_limited', { detail: 'too many letters: wait before the next one' }),
    retryAfter: asked.retryAfterSeconds,
  }
}
