import { isRefusal } from '../protocol/errors.ts'
import { parseUsername } from '../protocol/username.ts'
import type { AccountsContext } from './context.ts'
import { usernameRef } from './find-user.ts'

const longest = 40

/** A free user name like one of these, the best first. It is a suggestion: whoever comes first has it. */
export async function suggestUsername(context: AccountsContext, wishes: readonly string[]): Promise<string> {
  const bases = [...wishes.flatMap((wish) => nameFrom(wish) ?? []), 'newcomer']
  const numbered = [2, 3, 4, 5].map((number) => `${bases[0]}-${number}`)
  const candidates = [...new Set([...bases.slice(0, -1), ...numbered])].flatMap((name) => {
    const parsed = parseUsername(name)
    return isRefusal(parsed) ? [] : [parsed]
  })
  const found = await context.transition.store.read(candidates.map(({ normal }) => usernameRef(normal)))
  const free = candidates.find((_, index) => found[index] === undefined)
  return (
    free?.username ??
    `${bases[0]}-${context.random
      .text(4)
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .toLowerCase()}`
  )
}

/** What of a name somebody is called by may stand in a user name: its letters, spaces as dots, accents kept. */
function nameFrom(text: string): string | undefined {
  const name = text
    .normalize('NFKC')
    .trim()
    .replaceAll(/\s+/gu, '.')
    .replaceAll(/[^\p{L}\p{M}0-9._-]/gu, '')
    .slice(0, longest)
    .replace(/^[._-]+/, '')
  const parsed = parseUsername(name)
  return isRefusal(parsed) ? undefined : parsed.username
}
