// Written by scripts/collect-languages.mjs, which `npm start`, `npm test` and `npm run build` call: nothing to edit.
import { de } from './de.ts'
import { en } from './en.ts'
import type { Translation } from './translation.ts'

export const everyLanguage = {
  en,
  de,
} as const satisfies Record<string, Translation>
