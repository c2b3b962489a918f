import { message } from '../i18n/message.ts'
import type { PlainKey } from '../i18n/messages/translation.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'

export type FormPageView = {
  readonly title: PlainKey
  readonly body: Html
  /** Where its form may lead in the end. Default: here. */
  readonly forms?: 'here' | 'client'
  /** It has a form for passkeys. */
  readonly passkeys?: boolean | undefined
  /** It asks for a new password. */
  readonly newPassword?: boolean | undefined
  /** The way out. Default: the account. */
  readonly back?: { readonly path: string; readonly label: PlainKey }
  /** Something was done a moment ago. */
  readonly done?: PlainKey | undefined
  /** Why the last try didn't succeed. `status`: 400 unless it says otherwise. */
  readonly problem?: { readonly says: PlainKey; readonly status?: number } | undefined
}

/** A page around a form: what it is, how the last try went, its content, and the way back. */
export function formPage(
  presentation: Presentation,
  { title, body, forms = 'here', back, done, problem, passkeys, newPassword }: FormPageView,
): Page {
  const { language } = presentation
  return page(presentation, {
    status: problem === undefined ? 200 : (problem.status ?? 400),
    title: message(language, title),
    failed: problem !== undefined,
    forms,
    ...(passkeys === true && { passkeys }),
    ...(newPassword === true && { newPassword }),
    body: html`<h1>${message(language, title)}</h1>
      ${
        done !== undefined &&
        problem === undefined &&
        html`<div class="notice" id="done" role="status"><p>${message(language, done)}</p></div>`
      }
      ${
        problem !== undefined &&
        html`<div class="notice danger" id="problem" role="alert"><p>${message(language, problem.says)}</p></div>`
      }
      ${body}
      <div class="actions">
        <a class="button second" id="back" href="${back?.path ?? '/account'}"
          >${message(language, back?.label ?? 'account.back')}</a
        >
      </div>`,
  })
}
