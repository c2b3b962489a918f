import { z } from 'zod'
import { revokeToken } from '../../accounts/revoke-token.ts'
import { operation, type Operation } from '../operation.ts'
import { administrator } from '../policy.ts'
import { tokenText } from './leaks.ts'

const given = z.strictObject({ token: tokenText }).meta({ id: 'TokenToRevoke' })
const ended = z
  .strictObject({
    revoked: z.enum(['grant', 'access_token']),
    id: z.string().meta({ description: 'Of the grant, or the `jti` of the access token.' }),
  })
  .meta({ id: 'RevokedToken' })

export const revokedTokenOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/api/v1/revoked-tokens',
    id: 'revokeToken',
    tag: 'Accounts',
    summary: 'End one token',
    description:
      'Whoever’s it is, unless that account has a higher role: a refresh token with all that came of its grant, an access token alone. Clients end their own at `/oauth/revoke`.',
    policy: administrator,
    body: given,
    answer: { status: 200, schema: ended },
    refusals: ['not_found'],
    example: {
      body: { token: 'gth_at_…' },
      answer: { revoked: 'access_token', id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh' },
    },
    perform: ({ context, caller, body, address }) =>
      revokeToken(context, { text: body.token, actor: caller.actor, address }),
  }),
]
