import { z } from 'zod'
import { asItStands } from '../../accounts/as-they-stand.ts'
import { findUser } from '../../accounts/find-user.ts'
import { noSuchUser } from '../../accounts/no-such-user.ts'
import type { Kind } from '../../domain/record.ts'
import type { User } from '../../domain/user.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { administrator, oneself, oneselfJustNow, reader } from '../policy.ts'
import type { Result } from '../result.ts'
import { end, find, pageFor, type Belonging } from './belongings.ts'
import { userId } from './user-shape.ts'

/** The same six calls for each: mine and those of an account, listed, shown and ended. */
export function belongingOperations<K extends Kind, Item extends z.ZodObject>(
  of: Belonging<K, Item>,
): readonly Operation[] {
  const { noun, one, many = `${one}s`, idName, ending, refusals = [] } = of
  const { id, query, list, shown, listExample, shownExample } = shapesOf(of)
  const mine = `/api/v1/me/${noun}`
  return [
    operation({
      method: 'GET',
      path: mine,
      id: `listMy${many}`,
      tag: 'Oneself',
      summary: `List my ${noun}`,
      policy: oneself,
      query,
      answer: list,
      refusals: ['invalid_cursor'],
      example: listExample,
      perform: ({ context, caller, query }) => pageFor(of, context, { user: caller.user, query }),
    }),
    operation({
      method: 'GET',
      path: `${mine}/{${idName}}`,
      id: `getMy${one}`,
      tag: 'Oneself',
      summary: `Show one of my ${noun}`,
      policy: oneself,
      params: id,
      answer: shown,
      refusals: ['not_found'],
      example: shownExample,
      perform: ({ context, caller, params }) => find(of, context, { user: caller.user, id: String(params[idName]) }),
    }),
    operation({
      method: 'DELETE',
      path: `${mine}/{${idName}}`,
      id: `endMy${one}`,
      tag: 'Oneself',
      summary: `End one of my ${noun}`,
      description: ending,
      policy: of.endingNeedsRecentSignIn === true ? oneselfJustNow : oneself,
      params: id,
      answer: { status: 204 },
      refusals: ['not_found', ...refusals],
      example: {},
      perform: ({ context, caller, params, address }) =>
        end(of, context, { actor: caller.actor, user: caller.user, address, id: String(params[idName]) }),
    }),
    ...operationsOfUsers(of),
  ]
}

/** The three of them that are about an account, for whoever administers it. */
export function operationsOfUsers<K extends Kind, Item extends z.ZodObject>(
  of: Belonging<K, Item>,
): readonly Operation[] {
  const { noun, one, many = `${one}s`, idName, ending } = of
  const { query, list, shown, listExample, shownExample } = shapesOf(of)
  const userAnd = z.strictObject({ user_id: userId, [idName]: of.idShape })
  const theirs = `/api/v1/users/{user_id}/${noun}`
  return [
    operation({
      method: 'GET',
      path: theirs,
      id: `list${many}OfUser`,
      tag: 'Accounts',
      summary: `List the ${noun} of an account`,
      policy: reader,
      params: z.strictObject({ user_id: userId }),
      query,
      answer: list,
      refusals: ['invalid_cursor', 'not_found'],
      example: listExample,
      perform: ({ context, params, query }) =>
        showFor(context, params.user_id, (user) => pageFor(of, context, { user, query })),
    }),
    operation({
      method: 'GET',
      path: `${theirs}/{${idName}}`,
      id: `get${one}OfUser`,
      tag: 'Accounts',
      summary: `Show one of the ${noun} of an account`,
      policy: reader,
      params: userAnd,
      answer: shown,
      refusals: ['not_found'],
      example: shownExample,
      perform: ({ context, params }) =>
        showFor(context, String(params.user_id), (user) => find(of, context, { user, id: String(params[idName]) })),
    }),
    operation({
      method: 'DELETE',
      path: `${theirs}/{${idName}}`,
      id: `end${one}OfUser`,
      tag: 'Accounts',
      summary: `End one of the ${noun} of an account`,
      description: ending,
      policy: administrator,
      params: userAnd,
      answer: { status: 204 },
      refusals: ['not_found'],
      example: {},
      perform: ({ context, caller, params, address }) =>
        forUser(context, String(params.user_id), (user) =>
          end(of, context, { actor: caller.actor, user, address, id: String(params[idName]) }),
        ),
    }),
  ]
}

/** What each of them takes and answers. */
export function shapesOf<K extends Kind, Item extends z.ZodObject>({
  idName,
  idShape,
  item,
  example,
}: Pick<Belonging<K, Item>, 'idName' | 'idShape' | 'item' | 'example'>) {
  const list = { status: 200, schema: pageOf(item) } as const
  return {
    id: z.strictObject({ [idName]: idShape }),
    query: z.strictObject(pageQuery),
    list,
    shown: { status: 200, schema: item } as const,
    listExample: { answer: { items: [example], next: null } as z.input<typeof list.schema> },
    shownExample: { answer: example },
  }
}

async function forUser<T>(
  context: ApiContext,
  userId: string,
  then: (user: User) => Promise<Result<T>>,
): Promise<Result<T>> {
  const user = await findUser(context, userId)
  return user === undefined ? { refused: noSuchUser } : then(user)
}

/** For looking alone: a bot as it stands under its wrangler, with whose tokens its own end. Who may change it goes by its own role. */
function showFor<T>(context: ApiContext, userId: string, then: (user: User) => Promise<Result<T>>): Promise<Result<T>> {
  return forUser(context, userId, async (user) => then(await asItStands(context, user)))
}
