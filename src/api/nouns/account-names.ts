import { z } from 'zod'
import { findUser, findUserNamed } from '../../accounts/find-user.ts'
import { noSuchUser } from '../../accounts/no-such-user.ts'
import { userIdPrefix } from '../../protocol/client-id.ts'
import { operation, type Operation } from '../operation.ts'
import { provisioner } from '../policy.ts'
import { exampleUser, userId } from './user-shape.ts'

const accountName = z.strictObject({ user_id: userId, username: z.string(), bot: z.boolean() }).meta({
  id: 'AccountName',
  description: 'What a front end shows of whoever did something: nothing else of an account.',
})

export const accountNameOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/account-names/{id_or_name}',
    id: 'findAccountName',
    tag: 'Accounts',
    summary: 'Name one account, by its id or its exact user name',
    description:
      'For front ends that show who did what: id, user name and whether it is a bot. One account at a time, its user name in any spelling that is the same name; there is no list and no search.',
    policy: provisioner,
    params: z.strictObject({
      id_or_name: z.string().min(1).max(128).meta({ description: 'No user name begins with `usr_`.' }),
    }),
    answer: { status: 200, schema: accountName },
    refusals: ['not_found'],
    example: { answer: { user_id: exampleUser.user_id, username: exampleUser.username, bot: exampleUser.bot } },
    async perform({ context, params: { id_or_name: asked } }) {
      const user = asked.startsWith(userIdPrefix) ? await findUser(context, asked) : await findUserNamed(context, asked)
      if (user === undefined) return { refused: noSuchUser }
      return { done: { user_id: user.userId, username: user.username, bot: user.bot } }
    },
  }),
]
