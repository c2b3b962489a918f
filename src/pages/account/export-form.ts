import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import type { SectionForm } from './section-form.ts'

export function exportForm({ language, action, hidden }: SectionForm): Html {
  return html`<p>${message(language, 'export.what')}</p>
    <form id="export" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <div class="actions"><button type="submit">${message(language, 'export.submit')}</button></div>
    </form>`
}
