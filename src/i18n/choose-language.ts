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
 * The language of a page. What the person chose at the foot of one of our pages wins over what the application asks for, or
 * the switch would seem broken on its way; that wins over what the browser is set to. None of them can be wrong, only unknown,
 * and then it is English.
 */
export function chooseLanguage(wishes: LanguageWishes): Language {
  return (
    lookupLanguage(wishes.cookie === undefined ? [] : [wishes.cookie], languages) ??
    lookupLanguage(wishes.uiLocales ?? [], languages) ??
    lookupLanguage(parseAcceptLanguage(wishes.acceptLanguage ?? ''), languages) ??
    'en'
  )
}
