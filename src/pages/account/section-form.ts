import type { Language } from '../../i18n/messages/catalogue.ts'
import type { HiddenField } from '../hidden-fields.ts'

/** What every form of a section is given. */
export type SectionForm = {
  readonly language: Language
  /** Path that it is posted to. */
  readonly action: string
  readonly hidden: readonly HiddenField[]
}
