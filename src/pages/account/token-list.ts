import { duration } from '../../i18n/duration.ts'
import { message } from '../../i18n/message.ts'
import type { EpochSeconds, Seconds } from '../../protocol/time.ts'
import { clip, foreign } from '../foreign.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { scopeWords } from '../scope-words.ts'
import { time } from '../time.ts'
import { choice } from './choice.ts'
import { field } from './field.ts'
import type { SectionForm } from './section-form.ts'

/** A token for a script, as its owner sees it. */
export type TokenItem = {
  readonly id: string
  readonly name: string | undefined
  readonly scope: readonly string[]
  /** The API that it is for; absent: this server. */
  readonly resource: string | undefined
  readonly createdAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

export type TokensView = {
  readonly tokens: readonly TokenItem[]
  /** APIs to choose from, beside this server. */
  readonly apis: readonly { readonly resource: string; readonly name?: string | undefined }[]
  readonly lifetimes: readonly Seconds[]
  readonly lifetime: Seconds
  /** What was typed before. */
  readonly typed?: ((name: string) => string | undefined) | undefined
  readonly wrong?: string | undefined
}

export function tokenList(form: SectionForm, view: TokensView): Html {
  return html`${listOf(form, view.tokens)} ${makingForm(form, view)}`
}

function listOf({ language, action, hidden }: SectionForm, tokens: readonly TokenItem[]): Html {
  if (tokens.length === 0) return html`<p class="quiet">${message(language, 'tokens.none')}</p>`
  return html`<form id="tokens" method="post" action="${action}">
    ${hiddenFields(hidden)}
    <ul class="things">
      ${tokens.map(
        (token) => html`<li data-token="${token.id}">
          <p><strong>${token.name === undefined ? message(language, 'tokens.unnamed') : foreign(token.name)}</strong></p>
          ${token.resource !== undefined && html`<p class="quiet">${foreign(token.resource)}</p>`}
          <ul class="quiet">
            ${token.scope.map((scope) => html`<li>${foreign(scopeWords(language, { scope }).title)}</li>`)}
          </ul>
          <p class="quiet">${message(language, 'access.since')} ${time(language, token.createdAt)}</p>
          <p class="quiet">${message(language, 'tokens.until')} ${time(language, token.expiresAt)}</p>
          <button class="second" type="submit" name="grant_id" value="${token.id}">
            ${message(language, 'tokens.end')}
          </button>
        </li>`,
      )}
    </ul>
  </form>`
}

function makingForm({ language, action, hidden }: SectionForm, view: TokensView): Html {
  const { apis, lifetimes, wrong, typed = () => undefined } = view
  return html`<h2>${message(language, 'tokens.new')}</h2>
    <form id="token-new" method="post" action="${action}">
      ${hiddenFields([...hidden, { name: 'make', value: '1' }])}
      ${field(language, {
        name: 'name',
        label: 'tokens.name',
        advice: 'tokens.nameAdvice',
        value: typed('name') ?? '',
        autocomplete: 'off',
        most: 64,
        wrong: wrong === 'name',
      })}
      ${choice(language, {
        name: 'ttl',
        label: 'tokens.ttl',
        options: lifetimes.map((seconds) => ({ value: String(seconds), text: duration(language, seconds) })),
        value: typed('ttl') ?? String(view.lifetime),
        wrong: wrong === 'ttl',
      })}
      ${choice(language, {
        name: 'format',
        label: 'tokens.format',
        options: [
          { value: 'opaque', text: message(language, 'tokens.opaque') },
          { value: 'macaroon', text: message(language, 'tokens.macaroon') },
          { value: 'jwt', text: message(language, 'tokens.jwt') },
        ],
        value: typed('format'),
        wrong: wrong === 'format',
      })}
      ${
        apis.length > 0 &&
        choice(language, {
          name: 'resource',
          label: 'tokens.api',
          options: [
            { value: '', text: message(language, 'tokens.here') },
            ...apis.map(({ resource, name }) => ({ value: resource, text: clip(name ?? resource) })),
          ],
          value: typed('resource'),
          wrong: wrong === 'resource',
        })
      }
      ${field(language, {
        name: 'scope',
        label: 'tokens.scope',
        advice: apis.length > 0 ? 'tokens.scopeAdviceApis' : 'tokens.scopeAdvice',
        value: typed('scope') ?? '',
        autocomplete: 'off',
        optional: true,
        most: 1024,
        wrong: wrong === 'scope',
      })}
      <div class="actions"><button type="submit">${message(language, 'tokens.make')}</button></div>
    </form>`
}
