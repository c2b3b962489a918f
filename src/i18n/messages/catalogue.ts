import { de } from './de.ts'
import { en } from './en.ts'
import type { Translation } from './translation.ts'

const catalogues = { en, de } as const satisfies Record<string, Translation>

export type Language = keyof typeof catalogues

/** Every language there is, English first: it is what we speak when nothing else fits. */
export const languages = Object.keys(catalogues) as readonly Language[]

export function isLanguage(text: string | undefined): text is Language {
  return languages.some((language) => language === text)
}

export function catalogue(language: Language): Translation {
  return catalogues[language]
}
