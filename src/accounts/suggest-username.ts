import { isRefusal } from '../protocol/errors.ts'
import { parseUsername, type Username } from '../protocol/username.ts'
import type { AccountsContext } from './context.ts'
import { usernameRef } from './find-user.ts'

const lastResort = 'newcomer'

/**
 * A free user name like one of these, the best first. None is cut: two people whose long names begin alike would look like one, so
 * what is longer than a user name may be gives way to the next wish. It is a suggestion: whoever comes first has it.
 */
export async function suggestUsername(context: AccountsContext, wishes: readonly string[]): Promise<string> {
  const bases = [...wishes.flatMap((wish) => nameFrom(wish) ?? []), lastResort]
  const numbered = [2, 3, 4, 5].map((number) => `${bases[0]}-${number}`)
  const candidates = [...new Set([...bases.slice(0, -1), ...numbered])].flatMap(parsed)
  const found = await context.transition.store.read(candidates.map(({ normal }) => usernameRef(normal)))
  const free = candidates.find((_, index) => found[index] === undefined)
  if (free !== undefined) return free.username
  const suffix = context.random
    .text(4)
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .toLowerCase()
  // The first may be so long that nothing more can be put behind it.
  return [`${bases[0]}-${suffix}`].flatMap(parsed)[0]?.username ?? `${lastResort}-${suffix}`
}

function parsed(name: string): readonly Username[] {
  const read = parseUsername(name)
  return isRefusal(read) ? [] : [read]
}

/** What of a name somebody is called by may stand in a user name: its letters, spaces as dots, accents kept. */
function nameFrom(text: string): string | undefined {
  const name = text
    .normalize('NFKC')
    .trim()
    .replaceAll(/\s+/gu, '.')
    .replaceAll(/[^\p{L}\p{M}0-9._-]/gu, '')
    .replace(/^[._-]+/, '')
  return parsed(name)[0]?.username
}
