import { z } from 'zod'
import { findFactors } from '../../accounts/find-factors.ts'
import { findUser } from '../../accounts/find-user.ts'
import { noSuchUser } from '../../accounts/no-such-user.ts'
import { printFactors } from '../../accounts/print-factors.ts'
import { resetFactors } from '../../accounts/reset-factors.ts'
import { operation, type Operation } from '../operation.ts'
import { administratorJustNow, reader } from '../policy.ts'
import { exampleFactors, factors } from './factors-shape.ts'
import { newEpoch, userId } from './user-shape.ts'

export const factorOperations: readonly Operation[] = [
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
    example: { answer: exampleFactors },
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
