import type { z } from 'zod'
import type { Outcome } from '../../accounts/context.ts'
import type { Ending } from '../../accounts/end-grant.ts'
import type { Client } from '../../domain/client.ts'
import { ownerKey } from '../../domain/connection.ts'
import { ref, type Kind, type StoredRecord } from '../../domain/record.ts'
import type { User } from '../../domain/user.ts'
import { problem, type ProblemCode } from '../../protocol/problem.ts'
import type { ApiContext } from '../context.ts'
import { printPage, readPage, type Asked } from '../page.ts'
import type { Result } from '../result.ts'

/** Whose a list is. */
export type Listed = Pick<User, 'userId'> | Pick<Client, 'clientId'>

export const listKey = (owner: Listed): string =>
  'userId' in owner ? owner.userId : ownerKey({ kind: 'client', clientId: owner.clientId })

/** Something that accounts have several of, and may end one by one: sessions, grants, consents. */
export type Belonging<K extends Kind, Item extends z.ZodObject, Owner extends Listed = User> = {
  readonly kind: K
  /** Segment of the path. */
  readonly noun: string
  /** For operation ids, in capitals: `Session`. */
  readonly one: string
  /** Where it isn't `one` and an s. */
  readonly many?: string
  /** Name and shape of its id on the wire. */
  readonly idName: string
  readonly idShape: z.ZodString
  readonly item: Item
  readonly example: z.input<Item>
  /** What happens when one is ended. */
  readonly ending: string
  /** Whether ending one's own takes a sign-in of a moment ago, and how else it may fail. */
  readonly endingNeedsRecentSignIn?: true
  readonly refusals?: readonly ProblemCode[]
  /** Key of the record. */
  readonly recordId: (user: Owner, id: string) => string
  /** As the wire shows it; nothing if it is somebody else's, or isn't alive any more. */
  readonly show: (context: ApiContext, user: Owner, record: StoredRecord<K>) => Promise<z.input<Item> | undefined>
  readonly end: (context: ApiContext, ending: Ending, id: string) => Promise<Outcome<unknown>>
}

type ItemPage<Item> = { items: Item[]; next: string | null }

/** A page of what an account has and is alive. */
export async function pageFor<K extends Kind, Item extends z.ZodObject, Owner extends Listed>(
  of: Belonging<K, Item, Owner>,
  context: ApiContext,
  { user, query }: { readonly user: Owner; readonly query: { readonly limit?: number; readonly cursor?: string } },
): Promise<Result<ItemPage<z.input<Item>>>> {
  const list = `${of.noun} of ${listKey(user)}`
  const asked = readPage(context.keys, list, query)
  if ('refused' in asked) return asked
  const { items, next } = await living(of, context, { ...asked, user })
  return { done: printPage(context.keys, { list, items, next }) }
}

/** Looking further for the living ends here; the cursor goes on from there. */
const mostLooks = 5

async function living<K extends Kind, Item extends z.ZodObject, Owner extends Listed>(
  of: Belonging<K, Item, Owner>,
  context: ApiContext,
  { user, limit, after: start }: Asked & { readonly user: Owner },
): Promise<{ readonly items: readonly z.input<Item>[]; readonly next: string | null }> {
  const items: z.input<Item>[] = []
  let after = start
  for (let look = 1; look <= mostLooks && items.length < limit; look += 1) {
    const page = await context.transition.store.list(of.kind, listKey(user), {
      limit: limit - items.length,
      ...(after !== undefined && { after }),
    })
    for (const record of page.records) {
      const item = await showAlive(of, context, { user, record })
      if (item !== undefined) items.push(item)
    }
    if (page.next === null) return { items, next: null }
    after = page.next
  }
  return { items, next: after ?? null }
}

export async function find<K extends Kind, Item extends z.ZodObject, Owner extends Listed>(
  of: Belonging<K, Item, Owner>,
  context: ApiContext,
  { user, id }: { readonly user: Owner; readonly id: string },
): Promise<Result<z.input<Item>>> {
  const [record] = await context.transition.store.read([ref(of.kind, of.recordId(user, id))])
  const item = record === undefined ? undefined : await showAlive(of, context, { user, record })
  // Somebody else's is answered as one that doesn't exist.
  return item === undefined ? { refused: gone } : { done: item }
}

async function showAlive<K extends Kind, Item extends z.ZodObject, Owner extends Listed>(
  of: Belonging<K, Item, Owner>,
  context: ApiContext,
  { user, record }: { readonly user: Owner; readonly record: StoredRecord },
): Promise<z.input<Item> | undefined> {
  if (record.expiresAt !== undefined && context.clock.seconds() >= record.expiresAt) return undefined
  return of.show(context, user, record as StoredRecord<K>)
}

export async function end<K extends Kind, Item extends z.ZodObject>(
  of: Belonging<K, Item>,
  context: ApiContext,
  { id, ...ending }: Ending & { readonly id: string },
): Promise<Result<undefined>> {
  const ended = await of.end(context, ending, id)
  if (!('refused' in ended)) return { done: undefined }
  return { refused: ended.refused.code === 'not_found' ? gone : ended.refused }
}

const gone = problem('not_found', { detail: 'there is no such thing' })
