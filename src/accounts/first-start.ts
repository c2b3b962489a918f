import type { User } from '../domain/user.ts'
import { bucketOf } from '../domain/bucket.ts'
import type { Client } from '../domain/client.ts'
import { reachesRole } from '../domain/authority.ts'
import { create, put, ref, type Decision, type Write } from '../domain/record.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { transition } from '../store/transition.ts'
import type { PasswordsContext } from './context.ts'
import { clientRecord, loopbackClientId } from './client-record.ts'
import { usernameRef } from './find-user.ts'
import { generatePassword } from './generate-password.ts'
import { allUsers } from './list-users.ts'
import { changeWrites } from './change-writes.ts'
import { passwordProblem } from './password-policy.ts'

export const adminName = 'admin'

export type FirstStart =
  | { readonly is: 'later' }
  /** `password` is there only if it was made here, and this is the only time that anybody sees it. */
  | { readonly is: 'first'; readonly password?: string }
  /** A GATEHOUSE_ADMIN_PASSWORD that would be used and can't be; `problem` says why and how to mend it. */
  | { readonly is: 'refused'; readonly problem: string }

/**
 * Make the first administrator and the client `loopback`, if nobody ever did. When several processes start together,
 * one commits and tells its password; the others find that it is done. A given password also makes an administrator later,
 * while there is none.
 */
export async function firstStart(
  context: PasswordsContext,
  options: {
    readonly adminPassword: string | undefined
    /** Called with a password made here before it is committed, so that it can be kept where a crash doesn't lose it. */
    readonly keep?: (password: string) => Promise<void>
  },
): Promise<FirstStart> {
  const { store } = context.transition
  const [loopback, name] = await store.read([ref('client', loopbackClientId), usernameRef(adminName)])
  // The client, or its tombstone, tells that there was a first start; so a deleted administrator doesn't come back by himself.
  const isFirst = loopback === undefined
  if (!isFirst && (options.adminPassword === undefined || name !== undefined)) return { is: 'later' }
  if (await administratorExists(context)) return isFirst ? makeLoopbackAlone(context) : { is: 'later' }

  const given = options.adminPassword
  if (given !== undefined) {
    const weak = await passwordProblem(context.strength, given, [adminName])
    if (weak !== undefined)
      return { is: 'refused', problem: `GATEHOUSE_ADMIN_PASSWORD can't be used: ${weak.refused.detail}` }
  }
  const password = given ?? generatePassword(context.random)
  if (given === undefined) await options.keep?.(password)
  const passwordHash = await context.passwords.hash(password)
  const userId = userIdPrefix + context.random.text(16)
  const trail = changeWrites(context, { type: 'user.created', userId, actor: 'first start' }, [ref('user', userId)])
  const clientTrail = loopbackTrail(context)

  return transition(
    context.transition,
    { client: ref('client', loopbackClientId), name: usernameRef(adminName) },
    ({ client, name: nameSlot }, now): Decision<FirstStart> => {
      if (nameSlot.value !== undefined || (isFirst && client.value !== undefined))
        return { writes: [], result: { is: 'later' } }
      const user: User = {
        v: 1,
        userId,
        username: adminName,
        emailVerified: false,
        role: 'superuser',
        bot: false,
        scopes: [],
        epoch: 1,
        locked: false,
        passwordHash,
        passwordChangedAt: now,
        createdAt: now,
        updatedAt: now,
      }
      const withClient: readonly Write[] =
        client.value === undefined
          ? [put(client, loopbackClient(now), { expiresAt: null, owners: ['*'] }), ...clientTrail(now)]
          : []
      return {
        writes: [
          create(ref('user', userId), user, { expiresAt: null, owners: [bucketOf(userId)] }),
          put(nameSlot, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
          ...trail(now),
          ...withClient,
        ],
        result: { is: 'first', ...(given === undefined && { password }) },
      }
    },
  )
}

/** Somebody made an administrator on the command line before the server ever ran. */
async function makeLoopbackAlone(context: PasswordsContext): Promise<FirstStart> {
  const trail = loopbackTrail(context)
  return transition(
    context.transition,
    { client: ref('client', loopbackClientId) },
    ({ client }, now): Decision<FirstStart> => {
      if (client.value !== undefined) return { writes: [], result: { is: 'later' } }
      return {
        writes: [put(client, loopbackClient(now), { expiresAt: null, owners: ['*'] }), ...trail(now)],
        result: { is: 'later' },
      }
    },
  )
}

const loopbackTrail = (context: PasswordsContext) =>
  changeWrites(context, { type: 'client.created', clientId: loopbackClientId, actor: 'first start' }, [
    ref('client', loopbackClientId),
  ])

/** The one client that reaches everything by password, from this machine alone. */
function loopbackClient(now: number): Client {
  return clientRecord(
    {
      clientId: loopbackClientId,
      name: 'Command line on this machine',
      authentication: { method: 'none' },
      redirectUris: [],
      postLogoutRedirectUris: [],
      grantTypes: ['password', 'refresh_token'],
      scope: [
        'openid',
        'profile',
        'email',
        'offline_access',
        'me',
        'admin',
        'admin:read',
        'vault',
        'introspect',
        'accounts:provision',
      ],
      idTokenAlgorithm: 'RS256',
      legacy: ['password'],
      loopbackOnly: true,
    },
    { credentials: { secrets: [] }, epoch: 1, managedBy: 'administrator', createdAt: now, updatedAt: now },
  )
}

async function administratorExists(context: PasswordsContext): Promise<boolean> {
  for await (const user of allUsers(context)) if (reachesRole(user.role, 'admin')) return true
  return false
}
