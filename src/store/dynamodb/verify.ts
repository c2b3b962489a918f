import type { Kind } from '../../domain/record.ts'
import { getItems } from './get-items.ts'
import { keyIn, keyOf, linkKey, spelled, storedIn, type Item, type Key, type StoredItem } from './items.ts'
import { scanItems } from './scan.ts'
import type { TableContext } from './table-context.ts'

const mostFindings = 20

/** A link and its record, of which one may be missing. */
type Pair = { readonly record: Key; readonly link: Key; readonly says: string }

/** Reads every item and checks that lists and records agree. Somebody may write meanwhile: what looks wrong is read again. */
export async function verify(context: TableContext): Promise<readonly string[]> {
  const findings: string[] = []
  const expected = new Map<string, Pair>()
  const links = new Map<string, Pair>()
  for await (const item of scanItems(context)) {
    const key = keyIn(item)
    const [type, kind = '', ...words] = key.pk.S.split('#')
    const rest = words.join('#')
    if (type === 'l') {
      // Only this adapter writes such keys.
      const record = keyOf({ kind: kind as Kind, id: key.sk.S })
      links.set(spelled(key), {
        record,
        link: key,
        says: `the list of ${rest} names the ${kind} ${key.sk.S}, which isn't ${rest}'s`,
      })
    } else if (type === 'r') {
      const stored = readable(item, kind as Kind, rest)
      if (stored === undefined) findings.push(`the ${kind} ${rest} isn't what was written`)
      for (const owner of stored?.owners ?? []) {
        const link = linkKey(kind as Kind, owner, rest)
        expected.set(spelled(link), {
          record: key,
          link,
          says: `the ${kind} ${rest} is missing in the list of ${owner}`,
        })
      }
    } else if (type === 'e' && !isJson(item['j']?.S)) findings.push(`the event ${key.sk.S} isn't what was written`)
  }
  const missing = [...expected].flatMap(([at, pair]) => (links.has(at) ? [] : [pair]))
  const stray = [...links].flatMap(([at, pair]) => (expected.has(at) ? [] : [pair]))
  for (const pair of [...missing, ...stray].slice(0, 10 * mostFindings))
    if (await disagree(context, pair)) findings.push(pair.says)
  return findings.slice(0, mostFindings)
}

async function disagree(context: TableContext, { record, link }: Pair): Promise<boolean> {
  const found = await getItems(context, [record, link])
  const stored = storedIn({ kind: 'lease', id: '' }, found.get(spelled(record)))
  const owns = stored?.owners.some((owner) => link.pk.S.endsWith(`#${owner}`)) ?? false
  return owns !== found.has(spelled(link))
}

function readable(item: Item, kind: Kind, id: string): StoredItem | undefined {
  try {
    return storedIn({ kind, id }, item)
  } catch {
    return undefined
  }
}

function isJson(text: string | undefined): boolean {
  try {
    return typeof JSON.parse(text ?? '') === 'object'
  } catch {
    return false
  }
}
