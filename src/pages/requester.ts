import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { clip, foreign, isVisible } from './foreign.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { phrase } from './phrase.ts'

/** The application that sent the person here. */
export type Requester = {
  readonly clientId: string
  readonly name?: string
  /** Where its answer goes: a redirect URI that was checked against its registration. */
  readonly redirectUri: string
  /** An administrator vouches for it. Otherwise pages say that nobody does. */
  readonly verified: boolean
  readonly policyUri?: string
  readonly tosUri?: string
}

/** Its name as plain text, for titles. */
export function requesterText(requester: Pick<Requester, 'clientId' | 'name'>): string {
  return clip(isVisible(requester.name) ? requester.name : requester.clientId)
}

export function requesterName(requester: Pick<Requester, 'clientId' | 'name'>): Html {
  return html`<strong>${foreign(requesterText(requester))}</strong>`
}

/**
 * Where the person goes from here, in words. A name can be borrowed; the host that the answer is sent to can't, so it is always
 * shown, in its ASCII form (no look-alike letters).
 */
export function redirectPlace(language: Language, redirectUri: string): Html {
  const url = URL.parse(redirectUri)
  if (url === null) return place(redirectUri)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    // RFC 8252 §7.1: a private-use scheme is an app on this device.
    return phrase(language, 'requester.app', { scheme: place(url.protocol.slice(0, -1)) })
  }
  // RFC 8252 §7.3: whatever listens on a loopback port is a program on the person's own machine.
  if (/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
    return html`${message(language, 'requester.loopback')}`
  return place(url.host)
}

/** "Unverified", where nobody vouches for it. */
export function unverifiedTag(language: Language, requester: Requester): Html | false {
  return !requester.verified && html`<span class="tag">${message(language, 'requester.unverified')}</span>`
}

/** "You'll return to …". */
export function returnLine(language: Language, requester: Requester): Html {
  const words = phrase(language, 'signIn.return', { place: redirectPlace(language, requester.redirectUri) })
  return html`<p class="quiet asker"><span>${words}</span>${unverifiedTag(language, requester)}</p>`
}

const place = (text: string): Html => html`<span class="place">${foreign(text)}</span>`
