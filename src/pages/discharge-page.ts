import { message } from '../i18n/message.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import { notice } from './notice.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personCard, personName } from './person.ts'
import type { Person } from './person.ts'
import { phrase } from './phrase.ts'

export type DischargeView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  readonly person: Person
}

/** Asks whether the person himself wants a token of his confirmed: a link from elsewhere must not be enough. */
export function dischargePage(presentation: Presentation, view: DischargeView): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'discharge.title'),
    forms: 'here',
    body: html`<h1>${message(language, 'discharge.title')}</h1>
      <p class="lead">${phrase(language, 'discharge.lead', { user: personName(view.person) })}</p>
      ${personCard(view.person)}
      ${notice({ kind: 'caution', id: 'caution', text: message(language, 'discharge.caution'), advice: message(language, 'discharge.advice') })}
      <form id="discharge" method="post" action="${view.action}">
        ${hiddenFields(view.hidden)}
        <div class="actions">
          <button type="submit" name="decision" value="allow">${message(language, 'discharge.submit')}</button>
          <button class="second" type="submit" name="decision" value="deny">${message(language, 'discharge.deny')}</button>
        </div>
      </form>`,
  })
}

/** The confirmation itself, for the person to carry to the program that asked for it. */
export function dischargedPage(presentation: Presentation, discharge: string): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'discharged.title'),
    forms: 'none',
    body: html`<h1>${message(language, 'discharged.title')}</h1>
      <p class="lead">${message(language, 'discharged.lead')}</p>
      <div class="field">
        <label for="confirmation">${message(language, 'discharged.label')}</label>
        <input id="confirmation" type="text" value="${discharge}" readonly spellcheck="false">
      </div>
      <p class="quiet">${message(language, 'discharged.advice')}</p>`,
  })
}

/** Nothing was confirmed. */
export function undischargedPage(presentation: Presentation): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'undischarged.title'),
    forms: 'none',
    body: html`<h1>${message(language, 'undischarged.title')}</h1>
      <p class="lead">${message(language, 'undischarged.lead')}</p>`,
  })
}
