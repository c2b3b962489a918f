import { parseColor, printColor } from './accent.ts'
import { verbatim } from './html.ts'
import type { Html } from './html.ts'
import { iconAddress } from './mark.ts'
import { stylesheet } from './style.ts'
import { webUrl } from './web-url.ts'

/** How an operator makes the pages his own: the configuration's `pages`, read and resolved. */
export type LookSettings = {
  /** What the place calls itself. Default: Gatehouse. */
  readonly productName?: string
  /** A picture as `data:image/…;base64,…`, at most 64 KiB: pages load nothing from elsewhere. */
  readonly logo?: string
  /** `#rrggbb`. Moved as far as it takes to be readable. */
  readonly accent?: string
  readonly privacyPolicy?: string
  readonly terms?: string
}

/** What is the same on every page, made once at start. */
export type Look = {
  readonly productName: string
  /** The logo as an attribute, ` src="…"`. */
  readonly logo: Html | undefined
  /** The tab's icon as a `<link>`. */
  readonly icon: Html
  readonly privacyPolicy: string | undefined
  readonly terms: string | undefined
  /** The stylesheet as a whole element, and its hash: a formatter that indented its text would end the match. */
  readonly style: Html
  /** CSP hash sources (CSP3 §2.3.1 `sha256-…`) of the stylesheet and of the form_post script. */
  readonly stylesheetHash: string
  readonly submitScriptHash: string
}

/** The only script that there is: it sends the form of the form_post page, which works by hand as well. */
export const submitScript = 'document.forms[0].submit()'

const defaultAccent = '#17594a'
const longestLogo = 64 * 1024
const logoShape = /^data:image\/(?:png|jpeg|webp|svg\+xml);base64,[A-Za-z\d+/]+={0,2}$/

/**
 * Checks the settings and computes what every page shares. `sha256` hashes the UTF-8 form of a text to standard base64.
 * Throws RangeError that names the setting and its mend.
 */
export function createLook(settings: LookSettings, sha256: (text: string) => string): Look {
  const accent = parseColor(settings.accent ?? defaultAccent)
  if (accent === undefined) throw new RangeError('pages.accent is no colour; write it as #rrggbb, for example #17594a')
  if (settings.logo !== undefined && (settings.logo.length > longestLogo || !logoShape.test(settings.logo))) {
    throw new RangeError('pages.logo is no PNG, JPEG, WebP or SVG picture of at most 64 KiB; make the picture smaller')
  }
  const css = stylesheet(accent)
  return {
    productName: settings.productName ?? 'Gatehouse',
    logo: settings.logo === undefined ? undefined : verbatim(` src="${settings.logo}"`),
    icon: verbatim(`<link rel="icon" href="${iconAddress(printColor(accent))}">`),
    privacyPolicy: link('privacy_policy', settings.privacyPolicy),
    terms: link('terms', settings.terms),
    style: verbatim(`<style>${css}</style>`),
    stylesheetHash: `sha256-${sha256(css)}`,
    submitScriptHash: `sha256-${sha256(submitScript)}`,
  }
}

function link(name: string, text: string | undefined): string | undefined {
  const url = webUrl(text)
  if (text !== undefined && url === undefined)
    throw new RangeError(`pages.${name} is no web address; write it as https://…`)
  return url
}
