import type { z } from 'zod'
import { mostItems } from '../page.ts'
import { pageFor, type Belonging } from './belongings.ts'
import type { Kind } from '../../domain/record.ts'
import type { User } from '../../domain/user.ts'
import type { ApiContext } from '../context.ts'

/** More than anybody reads on one page. */
const mostPages = 5

/** What an account has of one kind and is alive, as the REST API shows it. */
export async function allOf<K extends Kind, Item extends z.ZodObject>(
  of: Belonging<K, Item>,
  context: ApiContext,
  user: User,
): Promise<readonly z.input<Item>[]> {
  const items: z.input<Item>[] = []
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page += 1) {
    const found = await pageFor(of, context, {
      user,
      query: { limit: mostItems, ...(cursor !== undefined && { cursor }) },
    })
    if (!('done' in found)) return items
    items.push(...found.done.items)
    if (found.done.next === null) return items
    cursor = found.done.next
  }
  return items
}
