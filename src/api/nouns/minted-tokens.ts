import { z } from 'zod'
import { mintToken, type MintedToken } from '../../accounts/mint-token.ts'
import { usualScopes } from '../../domain/mint-request.ts'
import { ref } from '../../domain/record.ts'
import { problem } from '../../protocol/problem.ts'
import { readAlive } from '../../store/read-alive.ts'
import { agreed } from '../../vault/agreed.ts'
import type { CallerOf } from '../caller.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { administratorJustNow, oneselfJustNow } from '../policy.ts'
import { userId } from './user-shape.ts'

export const minted = z
  .strictObject({
    token: z.string().meta({ description: 'Shown once.' }),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.string(),
    grant_id: z.string().meta({ description: 'What ends it: `DELETE /api/v1/me/tokens/{grant_id}`.' }),
  })
  .meta({ id: 'MintedToken', description: 'An access token that nobody signed in for.' })

export const wanted = z.strictObject({
  format: z.enum(['jwt', 'opaque', 'macaroon']),
  ttl: z.int().min(1).max(31_622_400).exactOptional().meta({
    description: 'Seconds. At most an hour for `jwt`; 31 days, unless said, for the others; an hour with `connection`.',
  }),
  caveats: z
    .array(z.string().min(1).max(2_048))
    .max(32)
    .exactOptional()
    .meta({ description: 'What narrows a macaroon from the beginning, in the grammar of docs/macaroons.md.' }),
  scope: z
    .string()
    .min(1)
    .max(2_048)
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/)
    .exactOptional()
    .meta({ description: 'Separated by spaces. Absent: `openid me`, or all that the API knows.' }),
  resource: z.string().min(1).max(1_024).exactOptional().meta({ description: 'An API. Absent: this server.' }),
  connection: z
    .string()
    .regex(/^[A-Za-z0-9._:~-]{1,200}$/)
    .exactOptional()
    .meta({ description: "A macaroon for one connection of the account, its provider's API and nothing else." }),
  name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{C}\u2028\u2029]*$/u)
    .exactOptional()
    .meta({ description: 'What people read in the list of grants.' }),
})

const wantedByOneself = wanted.extend({
  format: wanted.shape.format
    .exactOptional()
    .meta({ description: 'Default: `opaque`, which ends the moment that it is disabled.' }),
})

const noMacaroon = problem('forbidden', {
  detail: 'a macaroon makes no other tokens; use a token of a sign-in, or one of another format',
})

export const mintedTokenOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/api/v1/users/{user_id}/tokens',
    id: 'mintToken',
    tag: 'Accounts',
    summary: 'Make an access token for an account',
    description:
      'For scripts and bots. Nobody mints for somebody of a higher role, nor a power over this server that he lacks; and no macaroon mints, since what it made would not be narrowed as it is.',
    policy: administratorJustNow,
    params: z.strictObject({ user_id: userId }),
    body: wanted,
    answer: { status: 201, schema: minted },
    refusals: ['not_found', 'conflict'],
    example: {
      body: { format: 'macaroon', ttl: 86_400, caveats: ['method = GET'], scope: 'me' },
      answer: { token: 'gth_mc_…', token_type: 'Bearer', expires_in: 86_400, scope: 'me', grant_id: '019a…' },
    },
    async perform({ context, caller, params, body, address }) {
      // K05: whoever was handed a macaroon would be rid of its caveats by a token of his own.
      if (caller.live.claims.caveats !== undefined) return { refused: noMacaroon }
      const { scope, ...rest } = body
      const made = await mintToken(
        context,
        { actor: caller.actor, userId: params.user_id, address },
        { ...rest, ...(scope !== undefined && { scope: [...new Set(scope.split(' '))] }) },
      )
      if ('refused' in made) return made
      return { done: shownMinted(made.done), location: `/api/v1/users/${params.user_id}/tokens/${made.done.grantId}` }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/tokens',
    id: 'makeMyToken',
    tag: 'Oneself',
    summary: 'Make a token for a script of mine',
    description:
      'It reaches no further than the token that asks for it: neither in scope, nor to another API. It ends with its time, by `DELETE`, and with every other token of the account where those end: by a new password, a lock, `revoke-tokens`; and when the account takes back its consent to the client that asked for it.',
    policy: oneselfJustNow,
    body: wantedByOneself,
    answer: { status: 201, schema: minted },
    refusals: ['conflict', 'rate_limited'],
    example: {
      body: { format: 'opaque', ttl: 604_800, scope: 'me', name: 'nightly backup' },
      answer: { token: 'gth_at_…', token_type: 'Bearer', expires_in: 604_800, scope: 'me', grant_id: '019a…' },
    },
    async perform({ context, caller, body, address }) {
      const { actor, user, live } = caller
      // L14: no client gets by a token of its own making where its user hasn't let it.
      if (body.connection !== undefined && !(await reachesConnection(context, caller, body.connection)))
        return { refused: noConnection }
      const reserved = context.limits.reserve('own-token', [user.userId])
      if ('retryAfterSeconds' in reserved) return { refused: tooMany, retryAfter: reserved.retryAfterSeconds }
      const grant = await readAlive(context.transition.store, ref('grant', live.claims.gid), context.clock.seconds())
      const { scope, ...rest } = body
      const usual =
        rest.resource === undefined && rest.connection === undefined
          ? usualScopes.filter((one) => actor.scopes.includes(one))
          : undefined
      const asked = scope === undefined ? usual : [...new Set(scope.split(' '))]
      const within = {
        clientId: live.client.clientId,
        grantId: live.claims.gid,
        scope: actor.scopes,
        resources: grant?.resources ?? [],
      }
      const made = await mintToken(
        context,
        { actor, userId: user.userId, address, right: 'mint-own', within },
        { format: 'opaque', ...rest, ...(asked !== undefined && { scope: asked }) },
      )
      if ('refused' in made) {
        reserved.forgive()
        return made
      }
      return { done: shownMinted(made.done), location: `/api/v1/me/tokens/${made.done.grantId}` }
    },
  }),
]

/** Whether the token that asks reaches the connection itself. */
async function reachesConnection(
  context: ApiContext,
  { actor, live }: Pick<CallerOf<typeof oneselfJustNow>, 'actor' | 'live'>,
  id: string,
): Promise<boolean> {
  const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
  return found !== undefined && actor.scopes.includes('vault') && (await agreed(context, found, live.client.clientId))
}

const noConnection = problem('forbidden', {
  detail: 'the token lacks the scope vault, or its client the consent of the account to use that connection',
})
const tooMany = problem('rate_limited', { detail: 'too many tokens were made: wait before the next one' })

export function shownMinted({ token, expiresIn, scope, grantId }: MintedToken): z.input<typeof minted> {
  return { token, token_type: 'Bearer', expires_in: expiresIn, scope: scope.join(' '), grant_id: grantId }
}
