import { message } from '../i18n/message.ts'
import { languages, type Language } from '../i18n/messages/catalogue.ts'
import type { MessageKey } from '../i18n/messages/translation.ts'
import { en } from '../i18n/messages/en.ts'
import { remembering } from '../protocol/remembering.ts'
import { clip } from './foreign.ts'

/** One permission that is asked for. */
export type ScopeWish = {
  readonly scope: string
  /** The APIs that it is for, where it isn't this server, each with what its owner says about it. */
  readonly resources?: readonly { readonly name: string; readonly description?: string | undefined }[]
  /** Part of the bargain: shown, but not to be unticked (`openid`). */
  readonly required?: boolean
  /** Whether its box starts ticked. Default: yes. */
  readonly ticked?: boolean
}

export type ScopeWords = {
  readonly title: string
  readonly detail: string | undefined
  /** In place of a detail: what each API means by it, where they don't all say the same. */
  readonly each?: readonly { readonly api: string; readonly words: string }[]
  readonly sensitive: boolean
}

/** Whoever has these can act for others or speak for the server. */
const sensitive = /^(?:admin(?:[:.].*)?|vault(?:[:.].*)?|introspect|accounts:provision|leaks:report)$/

/**
 * A scope in words a person understands. A scope of an API is described by its owner; without a description it is named plainly.
 * What one API says of it is never put into another's mouth: where they differ, each speaks for itself.
 */
export function scopeWords(language: Language, wish: ScopeWish): ScopeWords {
  const { resources } = wish
  const ours = resources === undefined ? `scope.${wish.scope}` : ''
  if (isDescribed(ours)) {
    return {
      title: message(language, ours),
      detail: message(language, `${ours}.detail`),
      sensitive: sensitive.test(wish.scope),
    }
  }
  const named = message(language, 'scope.named', { scope: clip(wish.scope) })
  if (resources === undefined) return { title: named, detail: undefined, sensitive: sensitive.test(wish.scope) }
  const [said, ...others] = new Set(resources.map(({ description }) => description))
  if (others.length > 0) {
    const each = resources.map(({ name, description = named }) => ({ api: name, words: description }))
    return { title: named, detail: undefined, each, sensitive: false }
  }
  const names = resources.map(({ name }) => name)
  const detail = message(language, 'consent.at', { resource: apisInWords(language, names) })
  return { title: said === undefined ? named : clip(said), detail, sensitive: false }
}

// Making a formatter costs more than the page that it is for.
const listOf = remembering(languages.length, (language: Language) => new Intl.ListFormat(language))

/** Names of APIs in one sentence. */
export function apisInWords(language: Language, names: readonly string[]): string {
  return listOf(language).format(names.map((name) => clip(name)))
}

/** The keys of the scopes that we have words for: those that have a `.detail` beside them. */
type DescribedKey = { [Key in MessageKey]: Key extends `${infer Scope}.detail` ? Scope : never }[MessageKey]

const isDescribed = (key: string): key is DescribedKey => key.startsWith('scope.') && Object.hasOwn(en, `${key}.detail`)
