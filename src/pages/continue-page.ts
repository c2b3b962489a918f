import { message } from '../i18n/message.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personCard, personText } from './person.ts'
import type { Person } from './person.ts'
import { foreign } from './foreign.ts'
import { phrase } from './phrase.ts'
import { requesterName, returnLine } from './requester.ts'
import type { Requester } from './requester.ts'

export type ContinueView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  readonly person: Person
  readonly requester: Requester
}

/** "Continue as …": whoever is signed in chooses whether it is he whom the application shall know. */
export function continuePage(presentation: Presentation, view: ContinueView): Page {
  const { language } = presentation
  const { person, requester } = view
  return page(presentation, {
    status: 200,
    title: message(language, 'continue.title', { user: personText(person) }),
    forms: 'client',
    body: html`<h1>${phrase(language, 'continue.title', { user: foreign(personText(person)) })}</h1>
      <p class="lead">${phrase(language, 'continue.lead', { client: requesterName(requester) })}</p>
      ${returnLine(language, requester)}
      ${personCard(person)}
      <form id="continue" method="post" action="${view.action}">
        ${hiddenFields(view.hidden)}
        <div class="actions">
          <button type="submit" name="decision" value="continue">${message(language, 'continue.submit')}</button>
          <button class="second" type="submit" name="decision" value="switch">
            ${message(language, 'continue.switch')}
          </button>
        </div>
      </form>`,
  })
}
