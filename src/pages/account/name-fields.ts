import type { Language } from '../../i18n/messages/catalogue.ts'
import type { PlainKey } from '../../i18n/messages/translation.ts'
import type { Html } from '../html.ts'
import { field } from './field.ts'

type NameField = { readonly value: string; readonly wrong: boolean; readonly advice?: PlainKey }

export function usernameField(language: Language, shown: NameField): Html {
  return field(language, { name: 'username', label: 'signIn.username', autocomplete: 'username', most: 64, ...shown })
}

export function fullNameField(language: Language, shown: NameField): Html {
  return field(language, {
    name: 'full_name',
    label: 'account.fullName',
    autocomplete: 'name',
    optional: true,
    most: 200,
    ...shown,
  })
}
