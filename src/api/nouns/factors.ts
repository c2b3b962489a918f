import { z } from 'zod'
import { findFactors } from '../../accounts/find-factors.ts'
import { findUser } from '../../accounts/find-user.ts'
import { noSuchUser } from '../../accounts/no-such-user.ts'
import { printFactors } from '../../accounts/print-factors.ts'
import { resetFactors } from '../../accounts/reset-factors.ts'
import { operation, type Operation } from '../operation.ts'
import { administratorJustNow, oneself, reader } from '../policy.ts'
import { instant, newEpoch, userId } from './user-shape.ts'

const factors = z
  .strictObject({
    authenticator: z
      .strictObject({ created_at: instant })
      .nullable()
      .meta({ description: 'An app that makes one-time codes (RFC 6238). null: none.' }),
    passkeys: z.array(
      z.strictObject({
        passkey_id: z.string(),
        name: z.string(),
        synced: z.boolean().meta({ description: 'It is on all devices of an account elsewhere, not on one alone.' }),
        created_at: instant,
        last_used_at: instant.nullable(),
      }),
    ),
    recovery_codes_left: z.int().min(0),
  })
  .meta({ id: 'Factors', description: 'What an account has beside its password. Never a secret.' })

const example = {
  authenticator: { created_at: 1_795_000_000 },
  passkeys: [
    {
      passkey_id: 'q1Xo0b2J4n8',
      name: 'My phone',
      synced: true,
      created_at: 1_795_000_000,
      last_used_at: 1_795_000_600,
    },
  ],
  recovery_codes_left: 10,
}

export const factorOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/me/factors',
    id: 'getMyFactors',
    tag: 'Oneself',
    summary: 'Show my second factors',
    description: 'They are set up and given up on the account page, in the browser that shows them.',
    policy: oneself,
    answer: { status: 200, schema: factors },
    example: { answer: example },
    perform: async ({ context, caller }) => ({ done: printFactors(await findFactors(context, caller.user.userId)) }),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/users/{user_id}/factors',
    id: 'getFactorsOfUser',
    tag: 'Accounts',
    summary: 'Show the second factors of an account',
    policy: reader,
    params: z.strictObject({ user_id: userId }),
    answer: { status: 200, schema: factors },
    refusals: ['not_found'],
    example: { answer: example },
    async perform({ context, params }) {
      const user = await findUser(context, params.user_id)
      if (user === undefined) return { refused: noSuchUser }
      return { done: printFactors(await findFactors(context, user.userId)) }
    },
  }),
  operation({
    method: 'DELETE',
    path: '/api/v1/users/{user_id}/factors',
    id: 'resetFactorsOfUser',
    tag: 'Accounts',
    summary: 'Take a lost second factor off an account',
    description:
      'All of its second factors and recovery codes go, and every session and token with them. Make sure first that it is its person who asks: from now on the password alone gets in, until there is a new one.',
    policy: administratorJustNow,
    params: z.strictObject({ user_id: userId }),
    answer: { status: 200, schema: newEpoch },
    refusals: ['not_found', 'forbidden'],
    example: { answer: { epoch: 1_795_000_000_000 } },
    async perform({ context, caller, params }) {
      const reset = await resetFactors(context, { actor: caller.actor, userId: params.user_id })
      return 'refused' in reset ? reset : { done: { epoch: reset.done.epoch } }
    },
  }),
]
