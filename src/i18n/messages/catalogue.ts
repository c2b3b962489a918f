import { everyLanguage } from './every-language.ts'
import type { Translation } from './translation.ts'

export type Language = keyof typeof everyLanguage

/** Every language there is, English first: it is what we speak when nothing else fits. */
export const languages = Object.keys(everyLanguage) as readonly Language[]

export function isLanguage(text: string | undefined): text is Language {
  return languages.some((language) => language === text)
}

export function catalogue(language: Language): Translation {
  return everyLanguage[language]
}
