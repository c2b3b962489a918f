import { message } from '../i18n/message.ts'
import { foreign } from './foreign.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import { notice } from './notice.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { phrase } from './phrase.ts'

export type NewcomerView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  readonly provider: string
  /** What he is called there. */
  readonly label: string
  readonly username: string
  readonly problem?: 'taken' | 'malformed'
}

/** Somebody new, known by another server, chooses his name here. 200, or 409 and 400 for a name that can't be. */
export function newcomerPage(presentation: Presentation, view: NewcomerView): Page {
  const { language } = presentation
  const { problem } = view
  const invalid = problem === undefined ? undefined : html` aria-invalid="true" aria-describedby="problem"`
  const names = { provider: foreign(view.provider), label: foreign(view.label) }
  return page(presentation, {
    status: problem === undefined ? 200 : { taken: 409, malformed: 400 }[problem],
    title: message(language, 'newcomer.title'),
    failed: problem !== undefined,
    forms: 'client',
    body: html`<h1>${message(language, 'newcomer.title')}</h1>
      <p class="lead">${phrase(language, 'newcomer.lead', names)}</p>
      ${problem && notice({ kind: 'danger', id: 'problem', text: message(language, `newcomer.${problem}`), advice: message(language, `newcomer.${problem}Advice`) })}
      <form id="create-account" method="post" action="${view.action}">
        ${hiddenFields(view.hidden)}
        <div class="field">
          <label for="username">${message(language, 'signIn.username')}</label>
          <input id="username" name="username" type="text" value="${view.username}" autocomplete="username"
            autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="64" required${invalid} autofocus>
        </div>
        <p class="quiet">${phrase(language, 'newcomer.existing', names)}</p>
        <div class="actions">
          <button type="submit">${message(language, 'newcomer.submit')}</button>
          <a class="button second" href="/">${message(language, 'newcomer.cancel')}</a>
        </div>
      </form>`,
  })
}
