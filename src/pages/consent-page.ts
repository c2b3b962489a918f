import type { Seconds } from '../protocol/time.ts'
import { duration } from '../i18n/duration.ts'
import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { foreign } from './foreign.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { tick } from './mark.ts'
import { notice } from './notice.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personName } from './person.ts'
import type { Person } from './person.ts'
import { phrase } from './phrase.ts'
import { redirectPlace, requesterName, requesterText, unverifiedTag } from './requester.ts'
import type { Requester } from './requester.ts'
import { apisInWords, scopeWords } from './scope-words.ts'
import type { ScopeWish } from './scope-words.ts'
import { webUrl } from './web-url.ts'

/** How long the permission holds: until withdrawn (with or without an end), with the session, or for a fixed time that nothing prolongs. */
export type ConsentLifetime =
  | { readonly kind: 'until_withdrawn'; readonly atMost?: Seconds }
  | { readonly kind: 'until_sign_out'; readonly atMost: Seconds }
  | { readonly kind: 'for'; readonly seconds: Seconds }

export type ConsentView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  readonly requester: Requester
  readonly person: Person
  /** Path that leads to signing in as somebody else for the same request. */
  readonly otherAccount?: string
  readonly scopes: readonly ScopeWish[]
  /** Names of APIs of which no scope is asked: what is left is who the person is. */
  readonly apis?: readonly string[]
  readonly lifetime: ConsentLifetime
}

/** Says in words what is asked, by whom, for how long and where the answer goes. The boxes are wishes: the stored request decides. */
export function consentPage(presentation: Presentation, view: ConsentView): Page {
  const { language } = presentation
  const { requester, scopes, apis = [] } = view
  const client = requesterName(requester)
  const place = redirectPlace(language, requester.redirectUri)
  return page(presentation, {
    status: 200,
    title: message(language, 'consent.title', { client: requesterText(requester) }),
    forms: 'client',
    body: html`<h1>${phrase(language, 'consent.title', { client })}</h1>
      <p class="quiet asker"><span>${place}</span>${unverifiedTag(language, requester)}</p>
      <p class="quiet">${phrase(language, 'consent.account', { user: personName(view.person) })}${
        view.otherAccount !== undefined &&
        html` · <a href="${view.otherAccount}">${message(language, 'consent.otherAccount')}</a>`
      }</p>
      ${!requester.verified && caution(language, scopes, place)}
      <form id="consent" method="post" action="${view.action}" autocomplete="off">
        ${hiddenFields(view.hidden)}
        <h2 id="asks">${message(language, 'consent.asks')}</h2>
        <ul class="wishes" aria-labelledby="asks">
          ${scopes.map((wish) => scopeItem(language, wish))}
        </ul>
        ${apis.length > 0 && html`<p>${message(language, 'consent.apis', { resource: apisInWords(language, apis) })}</p>`}
        <p class="quiet">${lifetime(language, view.lifetime)} ${phrase(language, 'consent.return', { place })}</p>
        <div class="actions pair">
          <button class="second" type="submit" name="decision" value="deny">${message(language, 'consent.deny')}</button>
          <button type="submit" name="decision" value="allow">${message(language, 'consent.allow')}</button>
        </div>
      </form>
      ${links(language, requester)}`,
  })
}

// Consent phishing (OAuth 2.1 §7.13, ASVS 10.7.2): a stranger's application is called that before the buttons, not in small print.
function caution(language: Language, scopes: readonly ScopeWish[], place: Html): Html {
  const sensitive = scopes.some((wish) => scopeWords(language, wish).sensitive)
  const text = message(language, sensitive ? 'consent.unverifiedSensitive' : 'consent.unverified')
  return notice({
    kind: 'caution',
    id: 'unverified',
    text,
    advice: phrase(language, 'consent.unverifiedAdvice', { place }),
  })
}

function scopeItem(language: Language, wish: ScopeWish): Html {
  const words = scopeWords(language, wish)
  const detail =
    wish.required === true && words.detail === undefined ? message(language, 'consent.always') : words.detail
  const tag = words.sensitive && html` <span class="tag">${message(language, 'consent.sensitive')}</span>`
  const text = html`<span>
    <strong>${foreign(words.title)}${tag}</strong>
    ${detail !== undefined && html`<small>${detail}</small>`}
    ${words.each?.map(
      (one) =>
        html`<small>${phrase(language, 'consent.wordsOf', { resource: foreign(one.api), words: foreign(one.words) })}</small>`,
    )}
  </span>`
  if (wish.required === true) {
    // A disabled box would not be sent. What isn't a question is no box.
    return html`<li>
      <span class="wish">${tick}${text}</span>
      <input type="hidden" name="scope" value="${wish.scope}">
    </li>`
  }
  return html`<li>
    <label class="wish">
      <input type="checkbox" name="scope" value="${wish.scope}"${wish.ticked !== false && html` checked`}>
      ${text}
    </label>
  </li>`
}

function lifetime(language: Language, life: ConsentLifetime): string {
  if (life.kind === 'for') return message(language, 'consent.for', { duration: duration(language, life.seconds) })
  if (life.kind === 'until_sign_out')
    return message(language, 'consent.untilSignOut', { duration: duration(language, life.atMost) })
  if (life.atMost === undefined) return message(language, 'consent.untilWithdrawn')
  return message(language, 'consent.untilWithdrawnAtMost', { duration: duration(language, life.atMost) })
}

function links(language: Language, requester: Requester): Html | false {
  const [policy, tos] = [webUrl(requester.policyUri), webUrl(requester.tosUri)]
  if (policy === undefined && tos === undefined) return false
  const client = foreign(requesterText(requester))
  return html`<p class="links quiet">
    <span>${phrase(language, 'consent.links', { client })}</span>
    ${policy !== undefined && html`<a href="${policy}" rel="noreferrer">${message(language, 'consent.policy')}</a>`}
    ${tos !== undefined && html`<a href="${tos}" rel="noreferrer">${message(language, 'consent.tos')}</a>`}
  </p>`
}
