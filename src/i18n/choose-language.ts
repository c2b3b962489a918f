import { languages } from './messages/catalogue.ts'
import type { Language } from './messages/catalogue.ts'
import { lookupLanguage } from './lookup-language.ts'
import { parseAcceptLanguage } from './parse-accept-language.ts'

export type LanguageWishes = {
  /** OIDC Core §3.1.2.1 `ui_locales`, in the order of preference. */
  readonly uiLocales?: readonly string[]
  /** What the person chose here before. */
  readonly cookie?: string | undefined
  readonly acceptLanguage?: string | undefined
}

/**
 * The language of a page. What the application asks for this once wins over what the person chose earlier, which wins over
 * what the browser is set to; none of them can be wrong, only unknown, and then it is English.
 */
export function chooseLanguage(wishes: LanguageWishes): Language {
  return (
    lookupLanguage(wishes.uiLocales ?? [], languages) ??
    lookupLanguage(wishes.cookie === undefined ? [] : [wishes.cookie], languages) ??
    lookupLanguage(parseAcceptLanguage(wishes.acceptLanguage ?? ''), languages) ??
    'en'
  )
}
