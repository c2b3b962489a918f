import type { ProviderLink } from '../pages/provider-links.ts'
import type { Core } from './core.ts'

/** The providers through which people may sign in, as links that keep the request they came for. */
export function providersFor(core: Core, interaction: string | undefined): readonly ProviderLink[] {
  return [...core.upstream.providers.values()].flatMap(({ name, title, signIn }) =>
    signIn === 'off'
      ? []
      : [
          {
            name,
            title,
            href: `/signin/with/${name}${interaction === undefined ? '' : `?interaction=${interaction}`}`,
          },
        ],
  )
}
