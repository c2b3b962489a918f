import type { ProviderLink } from '../pages/provider-links.ts'
import type { Core } from './core.ts'

/** The providers through which people may sign in, as links that keep what they came for. */
export function providersFor(
  core: Core,
  leaving: { readonly interaction: string | undefined; readonly next: string | undefined },
): readonly ProviderLink[] {
  const query = queryOf(leaving)
  return [...core.upstream.providers.values()].flatMap(({ name, title, signIn }) =>
    signIn === 'off' ? [] : [{ name, title, href: `/signin/with/${name}${query}` }],
  )
}

/** What somebody came for, as another way of signing in takes it. */
export function queryOf({ interaction, next }: Parameters<typeof providersFor>[1]): string {
  if (interaction !== undefined) return `?interaction=${interaction}`
  return next === undefined ? '' : `?next=${encodeURIComponent(next)}`
}
