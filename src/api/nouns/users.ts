import { z } from 'zod'
import { asItStands, asTheyStand } from '../../accounts/as-they-stand.ts'
import { createUser } from '../../accounts/create-user.ts'
import { deleteUser } from '../../accounts/delete-user.ts'
import { findUser, findUserNamed } from '../../accounts/find-user.ts'
import { inviteUser } from '../../accounts/invite-user.ts'
import { listUsers } from '../../accounts/list-users.ts'
import { noSuchUser } from '../../accounts/no-such-user.ts'
import { revokeEverything, revokeTokens } from '../../accounts/revoke-tokens.ts'
import { patchUser, type UserPatch } from '../../accounts/patch-user.ts'
import { problem } from '../../protocol/problem.ts'
import type { User } from '../../domain/user.ts'
import type { ApiContext } from '../context.ts'
import { weakSignIn } from '../caller.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { administrator, reader, superuser } from '../policy.ts'
import { invitation } from './invitations.ts'
import { exampleUser, newEpoch, newUser, shownUser, user, userChange, userId } from './user-shape.ts'

const one = '/api/v1/users/{user_id}'
const params = z.strictObject({ user_id: userId })
/** All of it gives power over an account or takes it: who found a browser open must not have it. */
const justNow = {
  ...administrator,
  recentSignIn: ['username', 'full_name', 'email', 'password', 'role', 'scopes', 'locked', 'wrangler'],
} as const

const ownPassword = problem('invalid_field', {
  field: 'password',
  detail: 'one’s own password is changed at POST /api/v1/me/password, by the current one or a fresh sign-in',
})

export const userOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/users',
    id: 'listUsers',
    tag: 'Accounts',
    summary: 'List accounts',
    description: 'With `username` the one account of that name, in any spelling that is the same name, or none.',
    policy: reader,
    query: z.strictObject({ ...pageQuery, username: z.string().max(64).exactOptional() }),
    answer: { status: 200, schema: pageOf(user) },
    refusals: ['invalid_cursor'],
    example: { answer: { items: [exampleUser], next: null } },
    async perform({ context, query }) {
      const { username } = query
      const list = username === undefined ? 'users' : 'users of one name'
      const asked = readPage(context.keys, list, query)
      if ('refused' in asked) return asked
      if (username !== undefined) {
        const named = await findUserNamed(context, username)
        return { done: { items: named === undefined ? [] : [await shownStanding(context, named)], next: null } }
      }
      const { users, next } = await listUsers(context, asked)
      const items = (await asTheyStand(context, users)).map(shownUser)
      return { done: printPage(context.keys, { list, items, next }) }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/users',
    id: 'createUser',
    tag: 'Accounts',
    summary: 'Make an account',
    description:
      'Nobody gives a role or scope that he lacks. With `invite: true` (where `users.registration` is `invite` or `open`) nobody is made yet: where the server sends letters and there is an `email`, a letter carries the link; otherwise it is in the answer, once.',
    policy: { ...administrator, recentSignIn: ['role', 'scopes'] },
    body: newUser,
    answer: { status: 201, schema: z.union([user, invitation]) },
    refusals: ['conflict'],
    example: {
      body: { username: 'ada', password: 'correct horse battery staple', full_name: 'Ada Lovelace' },
      answer: exampleUser,
    },
    async perform({ context, caller, body, address }) {
      const { full_name: fullName, invite = false, language, username, ...rest } = body
      if (invite) {
        const misplaced = (['password', 'bot', 'wrangler'] as const).find((field) => field in rest)
        if (misplaced !== undefined) return { refused: notInvited(misplaced) }
        const wanted = {
          language: language ?? 'en',
          ...rest,
          ...(username !== undefined && { username }),
          ...(fullName !== undefined && { fullName }),
        }
        const invited = await inviteUser(context, { actor: caller.actor, address }, wanted)
        if ('refused' in invited) return invited
        return { done: invited.done, location: `/api/v1/invitations/${invited.done.invitation_id}` }
      }
      if (username === undefined || language !== undefined)
        return { refused: username === undefined ? nameless : noLetter }
      const made = await createUser(context, caller.actor, {
        username,
        ...rest,
        ...(fullName !== undefined && { fullName }),
      })
      if ('refused' in made) return made
      return { done: await shownStanding(context, made.done), location: `/api/v1/users/${made.done.userId}` }
    },
  }),
  operation({
    method: 'GET',
    path: one,
    id: 'getUser',
    tag: 'Accounts',
    summary: 'Show an account',
    policy: reader,
    params,
    answer: { status: 200, schema: user },
    refusals: ['not_found'],
    example: { answer: exampleUser },
    async perform({ context, params }) {
      const found = await findUser(context, params.user_id)
      return found === undefined ? { refused: noSuchUser } : { done: await shownStanding(context, found) }
    },
  }),
  operation({
    method: 'PATCH',
    path: one,
    id: 'updateUser',
    tag: 'Accounts',
    summary: 'Change an account',
    description:
      'Nobody changes an account of a higher role, gives a role or scope that he lacks, or takes his own role or locks himself out. His own password he changes at `/api/v1/me/password`.',
    policy: justNow,
    params,
    body: userChange,
    answer: { status: 200, schema: user },
    refusals: ['not_found', 'conflict'],
    example: { body: { role: 'admin' }, answer: { ...exampleUser, role: 'admin', epoch: 1_795_000_000_123 } },
    async perform({ context, caller, params, body }) {
      const { actor, live } = caller
      // L1: of himself it is what `/me` is, and takes what that takes.
      const isOwn = actor.kind === 'user' && actor.user.userId === params.user_id
      const weak = isOwn ? await weakSignIn(context, { who: 'oneself', live, actor, user: actor.user }) : undefined
      if (weak !== undefined) return weak
      // Else a token that was made for a program would need neither his password nor a sign-in of his.
      if (isOwn && body.password !== undefined) return { refused: ownPassword }
      const updated = await patchUser(context, { actor: caller.actor, userId: params.user_id, patch: patchOf(body) })
      return 'refused' in updated ? updated : { done: await shownStanding(context, updated.done) }
    },
  }),
  operation({
    method: 'DELETE',
    path: one,
    id: 'deleteUser',
    tag: 'Accounts',
    summary: 'Delete an account',
    description: 'Every session and token of it is dead with it. Its name is free; its id is never used again.',
    policy: administrator,
    params,
    answer: { status: 204 },
    refusals: ['not_found'],
    example: {},
    async perform({ context, caller, params }) {
      const deleted = await deleteUser(context, { actor: caller.actor, userId: params.user_id })
      return 'refused' in deleted ? deleted : { done: undefined }
    },
  }),
  operation({
    method: 'POST',
    path: `${one}/revoke-tokens`,
    id: 'revokeTokensOfUser',
    tag: 'Accounts',
    summary: 'End every session and token of an account',
    policy: administrator,
    params,
    answer: { status: 200, schema: newEpoch },
    refusals: ['not_found'],
    example: { answer: { epoch: 1_795_000_000_123 } },
    async perform({ context, caller, params }) {
      const revoked = await revokeTokens(context, { actor: caller.actor, userId: params.user_id })
      return 'refused' in revoked ? revoked : { done: { epoch: revoked.done.epoch } }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/revoke-tokens',
    id: 'revokeAllTokens',
    tag: 'Accounts',
    summary: 'End every session and token of everybody',
    description: 'The token that asks for it too.',
    policy: superuser,
    answer: { status: 200, schema: newEpoch },
    example: { answer: { epoch: 1_795_000_000_123 } },
    async perform({ context, caller }) {
      return revokeEverything(context, caller.actor)
    },
  }),
]

/** A bot is shown with the role, the lock and the epoch that count: no better than its wrangler's. */
async function shownStanding(context: ApiContext, of: User) {
  return shownUser(await asItStands(context, of))
}

const nameless = problem('invalid_field', { field: 'username', detail: 'username is missing' })
const noLetter = problem('invalid_field', {
  field: 'language',
  detail: 'language is for an invitation; add invite: true',
})
const notInvited = (field: string) =>
  problem('invalid_field', {
    field,
    detail: `${field} is not for an invitation: it makes people, who choose their password`,
  })

function patchOf({ full_name: fullName, ...rest }: z.output<typeof userChange>): UserPatch {
  return { ...rest, ...(fullName !== undefined && { fullName }) }
}
