import { z } from 'zod'
import { mintToken } from '../../accounts/mint-token.ts'
import { problem } from '../../protocol/problem.ts'
import { operation, type Operation } from '../operation.ts'
import { administratorJustNow } from '../policy.ts'
import { userId } from './user-shape.ts'

const minted = z
  .strictObject({
    token: z.string().meta({ description: 'Shown once.' }),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.string(),
    grant_id: z.string().meta({ description: 'What ends it: `DELETE /api/v1/users/{user_id}/grants/{grant_id}`.' }),
  })
  .meta({ id: 'MintedToken', description: 'An access token that nobody signed in for.' })

const wanted = z.strictObject({
  format: z.enum(['jwt', 'opaque', 'macaroon']),
  ttl: z
    .int()
    .min(1)
    .max(31_622_400)
    .exactOptional()
    .meta({ description: 'Seconds. At most an hour for `jwt`; 31 days, unless said, for the others.' }),
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
  name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{C}\u2028\u2029]*$/u)
    .exactOptional()
    .meta({ description: 'What people read in the list of grants.' }),
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
      const { token, expiresIn, scope: held, grantId } = made.done
      return {
        done: { token, token_type: 'Bearer' as const, expires_in: expiresIn, scope: held.join(' '), grant_id: grantId },
        location: `/api/v1/users/${params.user_id}/grants/${grantId}`,
      }
    },
  }),
]
