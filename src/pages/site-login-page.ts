import type { Seconds } from '../protocol/time.ts'
import { duration } from '../i18n/duration.ts'
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

export type SiteLoginProblem =
  { readonly kind: 'wrong' | 'locked' | 'unavailable' } | { readonly kind: 'throttled'; readonly retryAfter: Seconds }

/** What they are asked for: to sign in here, or to add the account there to the one here. */
export type SiteLoginAim = 'sign-in' | 'add'

export type SiteLoginView = {
  readonly aim: SiteLoginAim
  readonly action: string
  readonly hidden: readonly HiddenField[]
  /** What the site is called. */
  readonly site: string
  readonly username?: string
  /** Lengths to choose from, and the chosen one. */
  readonly sessionLengths: readonly Seconds[]
  readonly sessionLength: Seconds | undefined
  readonly problem?: SiteLoginProblem
}

const statuses = { wrong: 403, locked: 403, unavailable: 503, throttled: 429 } as const

/** What differs between the two. */
const wordsOf = {
  'sign-in': (language: Language, site: Html) => {
    const title = message(language, 'signIn.title')
    return {
      title,
      heading: title,
      lead: phrase(language, 'siteLogin.lead', { site }),
      length: message(language, 'siteLogin.length'),
      submit: message(language, 'signIn.submit'),
    }
  },
  add: (language: Language, site: Html) => {
    const link = phrase(language, 'identities.link', { provider: site })
    return {
      title: message(language, 'identities.title'),
      heading: link,
      lead: message(language, 'identities.lead'),
      length: phrase(language, 'siteLogin.lengthThere', { site }),
      submit: link,
    }
  },
}

/** Name and password of another site, which has no pages of its own for this. */
export function siteLoginPage(presentation: Presentation, view: SiteLoginView): Page {
  const { language } = presentation
  const { problem, username = '' } = view
  const site = foreign(view.site)
  const adds = view.aim === 'add'
  const words = wordsOf[view.aim](language, site)
  const invalid = problem?.kind === 'wrong' ? html` aria-invalid="true" aria-describedby="problem"` : undefined
  return page(presentation, {
    status: problem === undefined ? 200 : statuses[problem.kind],
    title: words.title,
    failed: problem !== undefined,
    forms: adds ? 'here' : 'client',
    headers: problem?.kind === 'throttled' ? [['retry-after', String(Math.max(1, Math.ceil(problem.retryAfter)))]] : [],
    body: html`<h1>${words.heading}</h1>
      <p class="lead">${words.lead}</p>
      ${problem && problemNotice(language, problem, site)}
      <form id="${adds ? 'site-login' : 'sign-in'}" method="post" action="${view.action}">
        ${hiddenFields(view.hidden)}
        <div class="field">
          <label for="username">${phrase(language, 'siteLogin.username', { site })}</label>
          <input id="username" name="username" type="text" value="${username}" autocomplete="username" maxlength="200"
            autocapitalize="none" autocorrect="off" spellcheck="false" required${invalid}>
        </div>
        <div class="field">
          <label for="password">${phrase(language, 'siteLogin.password', { site })}</label>
          <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required${invalid}>
        </div>
        ${view.sessionLengths.length > 0 && lengths(language, view, words.length)}
        <p class="quiet">${phrase(language, 'siteLogin.promise', { site })}</p>
        <div class="actions"><button type="submit">${words.submit}</button></div>
      </form>
      ${adds && html`<div class="actions"><a class="button second" href="/account/identities">${message(language, 'identities.title')}</a></div>`}`,
  })
}

/** Whoever sends no choice gets the first. */
function lengths(language: Language, { sessionLengths, sessionLength }: SiteLoginView, label: string | Html): Html {
  return html`<div class="field">
    <label for="session_length">${label}</label>
    <select id="session_length" name="session_length">${sessionLengths.map((seconds) => html`<option value="${seconds}"${seconds === sessionLength && html` selected`}>${duration(language, seconds)}</option>`)}</select>
  </div>`
}

function problemNotice(language: Language, problem: SiteLoginProblem, site: Html): Html {
  switch (problem.kind) {
    case 'throttled': {
      const words = message(language, 'signIn.throttled', { duration: duration(language, problem.retryAfter) })
      return notice({ kind: 'danger', id: 'problem', text: words, advice: message(language, 'signIn.throttledAdvice') })
    }
    case 'wrong':
      return notice({
        kind: 'danger',
        id: 'problem',
        text: message(language, 'signIn.wrong'),
        advice: message(language, 'signIn.wrongAdvice'),
      })
    case 'locked':
      return notice({
        kind: 'danger',
        id: 'problem',
        text: phrase(language, 'siteLogin.locked', { site }),
        advice: phrase(language, 'siteLogin.lockedAdvice', { site }),
      })
    case 'unavailable':
      return notice({
        kind: 'danger',
        id: 'problem',
        text: phrase(language, 'siteLogin.unavailable', { site }),
        advice: message(language, 'siteLogin.unavailableAdvice'),
      })
  }
}
