import { message } from '../i18n/message.ts'
import { html } from './html.ts'
import { notice } from './notice.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'

/** New recovery codes, shown this once, and where to go from there. */
export function recoveryCodesPage(
  presentation: Presentation,
  { codes, onwards }: { readonly codes: readonly string[]; readonly onwards: string },
): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'recoveryCodes.title'),
    forms: 'none',
    body: html`<h1>${message(language, 'recoveryCodes.title')}</h1>
      ${notice({ kind: 'caution', id: 'shown-once', text: message(language, 'recoveryCodes.once'), advice: message(language, 'recoveryCodes.keep') })}
      <ul class="codes" id="codes">
        ${codes.map((code) => html`<li><code>${code}</code></li>`)}
      </ul>
      <div class="actions"><a class="button" id="onwards" href="${onwards}">${message(language, 'recoveryCodes.kept')}</a></div>`,
  })
}
