import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { phrase } from './phrase.ts'

/** A way to sign in through somebody else. */
export type ProviderLink = { readonly name: string; readonly title: string; readonly href: string }

/** One link for each, below the form. Following one leaves this server, so each says where it leads. */
export function providerLinks(language: Language, providers: readonly ProviderLink[]): Html | false {
  return (
    providers.length > 0 &&
    html`<div id="providers">
      <p class="quiet">${message(language, 'signIn.or')}</p>
      ${providers.map(
        ({ name, title, href }) =>
          html`<div class="actions"><a class="button second" data-provider="${name}" href="${href}" rel="nofollow">${phrase(language, 'signIn.with', { provider: foreign(title) })}</a></div>`,
      )}
    </div>`
  )
}
