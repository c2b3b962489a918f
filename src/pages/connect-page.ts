import type { EpochSeconds } from '../protocol/time.ts'
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
import { personName } from './person.ts'
import type { Person } from './person.ts'
import { phrase } from './phrase.ts'
import { requesterName } from './requester.ts'
import type { Requester } from './requester.ts'
import { time } from './time.ts'

/** Why the last try led nowhere: a wrong code, or nobody said that he started this. */
export type ConnectProblem = 'code' | 'mine'

export type ConnectView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  /** What the provider is called. */
  readonly provider: string
  /** Scopes in the provider's own words. */
  readonly scopes: readonly string[]
  /** From where it was started, and when. */
  readonly address: string
  readonly startedAt: EpochSeconds
  /** A connection that is there gets new tokens, of the same account. */
  readonly renews?: boolean
  /** The application that is to use it. */
  readonly client?: Pick<Requester, 'clientId' | 'name'>
  /** Whose it will be. Then the session proves who started it; otherwise the code from the terminal does. */
  readonly person?: Person
  readonly problem?: ConnectProblem
}

/** What is about to be connected, for whom, and who started it: a link from a stranger leads here too. */
export function connectPage(presentation: Presentation, view: ConnectView): Page {
  const { language } = presentation
  const { problem, person, client } = view
  const provider = foreign(view.provider)
  return page(presentation, {
    status: problem === undefined ? 200 : 403,
    title: message(language, 'connect.title', { provider: view.provider }),
    failed: problem !== undefined,
    // Its answer is a redirect to the provider.
    forms: 'client',
    body: html`<h1>${phrase(language, 'connect.title', { provider })}</h1>
      <p class="lead">${
        client === undefined
          ? phrase(language, 'connect.lead', { provider })
          : phrase(language, 'connect.leadClient', { provider, client: requesterName(client) })
      }</p>
      ${view.renews === true && html`<p>${phrase(language, 'connect.renews', { provider })}</p>`}
      ${person !== undefined && html`<p class="quiet">${phrase(language, 'consent.account', { user: personName(person) })}</p>`}
      ${problem !== undefined && notice({ kind: 'danger', id: 'problem', text: message(language, `connect.${problem}Wrong`), advice: message(language, `connect.${problem}Advice`) })}
      <form id="connect" method="post" action="${view.action}" autocomplete="off">
        ${hiddenFields(view.hidden)}
        <h2 id="asks">${phrase(language, 'connect.asks', { provider })}</h2>
        <ul aria-labelledby="asks">${view.scopes.map((scope) => html`<li><code>${foreign(scope)}</code></li>`)}</ul>
        <dl>
          <div><dt>${message(language, 'connect.from')}</dt><dd><code>${foreign(view.address)}</code></dd></div>
          <div><dt>${message(language, 'connect.at')}</dt><dd>${time(language, view.startedAt)}</dd></div>
        </dl>
        ${person === undefined ? proofOfStart(language, problem) : decision(language)}
      </form>`,
  })
}

/** RFC 8628 §5.4: whoever was sent a link must not connect his account for whoever sent it. */
function proofOfStart(language: Language, problem: ConnectProblem | undefined): Html {
  const wrong = (kind: ConnectProblem) =>
    problem === kind ? html` aria-invalid="true" aria-describedby="problem"` : undefined
  return html`${notice({ kind: 'caution', id: 'caution', text: message(language, 'connect.caution'), advice: message(language, 'connect.cautionAdvice') })}
    <div class="field">
      <label for="user_code">${message(language, 'connect.userCode')}</label>
      <input id="user_code" name="user_code" type="text" autocapitalize="characters" autocorrect="off" spellcheck="false" maxlength="20" required${wrong('code')}>
    </div>
    <label class="wish">
      <input type="checkbox" id="confirm_mine" name="confirm_mine" value="yes" required${wrong('mine')}>
      <span>${message(language, 'connect.mine')}</span>
    </label>
    <div class="actions"><button type="submit">${message(language, 'connect.submit')}</button></div>`
}

function decision(language: Language): Html {
  return html`<div class="actions pair">
    <button class="second" type="submit" name="decision" value="deny">${message(language, 'consent.deny')}</button>
    <button type="submit" name="decision" value="allow">${message(language, 'connect.submit')}</button>
  </div>`
}
