import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import type { SectionForm } from './section-form.ts'

/** How many are left, and the way to new ones. */
export function recoveryCodesForm(
  { language, action, hidden }: SectionForm,
  { left, offered }: { readonly left: number; readonly offered: boolean },
): Html {
  if (!offered) return html`<p id="codes-left">${message(language, 'recoveryCodes.none')}</p>`
  return html`<p>${message(language, 'recoveryCodes.what')}</p>
    <dl>
      <div>
        <dt>${message(language, 'recoveryCodes.left')}</dt>
        <dd id="codes-left">${left}</dd>
      </div>
    </dl>
    <form id="recovery-codes" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <p class="quiet">${message(language, 'recoveryCodes.replace')}</p>
      <div class="actions">
        <button class="second" type="submit">${message(language, 'recoveryCodes.submit')}</button>
      </div>
    </form>`
}
