import type { EpochSeconds } from '../protocol/time.ts'
import { instant } from '../i18n/instant.ts'
import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { foreign } from './foreign.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { notice } from './notice.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { phrase } from './phrase.ts'

export type IdentitiesProblem = 'taken' | 'other' | 'last' | 'denied' | 'failed'

export type IdentitiesView = {
  readonly linked: readonly {
    readonly provider: string
    readonly title: string
    readonly label: string
    readonly linkedAt: EpochSeconds
  }[]
  /** Providers that could be added. */
  readonly addable: readonly { readonly provider: string; readonly title: string }[]
  readonly hidden: readonly HiddenField[]
  readonly problem?: IdentitiesProblem
}

/** By which accounts elsewhere one may sign in here, and the forms that add and take away. */
export function identitiesPage(presentation: Presentation, view: IdentitiesView): Page {
  const { language } = presentation
  const { problem } = view
  return page(presentation, {
    status: problem === undefined ? 200 : 409,
    title: message(language, 'identities.title'),
    failed: problem !== undefined,
    // Adding one answers with a redirect to its provider.
    forms: 'client',
    body: html`<h1>${message(language, 'identities.title')}</h1>
      <p class="lead">${message(language, 'identities.lead')}</p>
      ${problem && notice({ kind: 'danger', id: 'problem', text: message(language, `identities.${problem}`), advice: message(language, `identities.${problem}Advice`) })}
      ${view.linked.length === 0 && html`<p>${message(language, 'identities.none')}</p>`}
      ${view.linked.map((one) => linkedOne(language, one, view.hidden))}
      ${view.addable.map(
        ({ provider, title }) =>
          html`<form id="link-${provider}" method="post" action="/account/identities/link">
            ${hiddenFields([...view.hidden, { name: 'provider', value: provider }])}
            <div class="actions"><button type="submit" class="second" data-provider="${provider}">${phrase(language, 'identities.link', { provider: foreign(title) })}</button></div>
          </form>`,
      )}
      <div class="actions"><a class="button second" href="/account">${message(language, 'identities.back')}</a></div>`,
  })
}

function linkedOne(language: Language, one: IdentitiesView['linked'][number], hidden: readonly HiddenField[]): Html {
  const at = html`<time datetime="${new Date(one.linkedAt * 1000).toISOString()}">${instant(language, one.linkedAt)}</time>`
  return html`<h2>${foreign(one.title)}</h2>
    <dl>
      <div><dt>${message(language, 'identities.label')}</dt><dd>${foreign(one.label)}</dd></div>
      <div><dt>${message(language, 'identities.linkedAt')}</dt><dd>${at}</dd></div>
    </dl>
    <form id="unlink-${one.provider}" method="post" action="/account/identities/unlink">
      ${hiddenFields([...hidden, { name: 'provider', value: one.provider }])}
      <div class="actions"><button type="submit" class="second">${phrase(language, 'identities.unlink', { provider: foreign(one.title) })}</button></div>
    </form>`
}
