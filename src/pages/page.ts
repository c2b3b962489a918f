import type { HeaderLine, HttpResponse } from '../protocol/http.ts'
import { message } from '../i18n/message.ts'
import { languages } from '../i18n/messages/catalogue.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { html, print } from './html.ts'
import type { Html } from './html.ts'
import type { Look } from './look.ts'
import { mark, scene } from './mark.ts'
import { passkeyScriptPath } from './passkey-script.ts'
import { securityHeaders } from './security-headers.ts'
import type { FormTarget } from './security-headers.ts'
import { spokenIn } from './spoken-in.ts'
import { strengthScriptPath } from './strength-script.ts'

/** How to show a page: the operator's look, the reader's language. */
export type Presentation = {
  readonly look: Look
  readonly language: Language
  /** Path and query of this page, for whoever switches the language. Default: the start page. */
  readonly here?: string
}

/** A finished page: an answer that an endpoint may return as it is, or with cookies added. */
export type Page = HttpResponse & { readonly body: string }

export type PageContent = {
  readonly status: number
  /** What the tab says, without the product's name. */
  readonly title: string
  /** The page reports a failure: the tab says so first, which is what a screen reader reads first. */
  readonly failed?: boolean
  /** Everything inside the card. */
  readonly body: Html
  readonly forms: FormTarget
  /** It has a form for passkeys, with its script. */
  readonly passkeys?: boolean
  /** It asks for a new password, with the script that says how good it is. */
  readonly newPassword?: boolean
  readonly script?: { readonly element: Html; readonly hash: string }
  readonly headers?: readonly HeaderLine[]
}

/** Puts content into the frame that all pages share, with the headers that it needs. */
export function page(presentation: Presentation, content: PageContent): Page {
  const { look, language } = presentation
  const titleKey = content.failed === true ? 'layout.errorTitle' : 'layout.title'
  const document = html`<!doctype html>
    <html${spokenIn(language)}>
      <head>
        <meta charset="utf-8">
        <title>${message(language, titleKey, { page: content.title, product: look.productName })}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="robots" content="noindex">
        ${content.forms !== 'none' && content.script === undefined && keepOrigin}
        ${look.icon}
        ${look.style}
        ${content.passkeys === true && html`<script src="${passkeyScriptPath}" defer></script>`}
        ${content.newPassword === true && html`<script src="${strengthScriptPath}" defer></script>`}
      </head>
      <body>
        <a class="skip" href="#main">${message(language, 'layout.skip')}</a>
        ${look.logo === undefined && scene}
        <header>${brand(look)}</header>
        <main id="main" tabindex="-1">
          <div class="card">${content.body}</div>
        </main>
        ${footer(presentation, content)}
        ${content.script?.element}
      </body>
    </html> `
  const headers = securityHeaders({
    stylesheetHash: look.stylesheetHash,
    forms: content.forms,
    ...(content.script && { scriptHash: content.script.hash }),
    ...((content.passkeys === true || content.newPassword === true) && { ownScript: true }),
    ...(content.newPassword === true && { asks: true }),
  })
  return { status: content.status, headers: [...headers, ...(content.headers ?? [])], body: print(document) }
}

// Under `Referrer-Policy: no-referrer` Chromium sends `Origin: null` with a form, even to the same site (tried), and the check of
// Origin (it must match when present) would refuse everybody. The document narrows its own policy to `same-origin`, which
// says just as little to others: nothing.
const keepOrigin = html`<meta name="referrer" content="same-origin">`

function brand(look: Look): Html {
  return html`<a class="brand" href="/">${
    look.logo === undefined
      ? html`${mark}<span>${look.productName}</span>`
      : html`<img${look.logo} alt="${look.productName}">`
  }</a>`
}

function footer({ look, language, here = '/' }: Presentation, { script }: PageContent): Html {
  const links = [
    look.privacyPolicy !== undefined &&
      html`<a href="${look.privacyPolicy}">${message(language, 'layout.privacy')}</a>`,
    look.terms !== undefined && html`<a href="${look.terms}">${message(language, 'layout.terms')}</a>`,
  ]
  // A page that sends itself on can't be come back to.
  return html`<footer>${links}${script === undefined && switches(language, here)}</footer>`
}

/** Every other language by its own name (WCAG 2.2 §3.1.2). Links, so that they work on pages whose policy allows no form. */
function switches(language: Language, here: string): Html {
  const back = here.length <= longestBack ? `&back=${encodeURIComponent(here)}` : ''
  return html`<nav id="languages" aria-label="${message(language, 'layout.languages')}">
    ${languages
      .filter((other) => other !== language)
      .map(
        (other) =>
          html`<a href="${`/language?to=${other}${back}`}"${spokenIn(other)} hreflang="${other}"
            >${message(other, 'layout.language')}</a
          >`,
      )}
  </nav>`
}

/** A link that is longer than what a request line may be would lead nowhere. */
const longestBack = 2048
