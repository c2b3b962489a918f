import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import type { MessageKey } from '../i18n/messages/translation.ts'
import { en } from '../i18n/messages/en.ts'
import { clip } from './foreign.ts'

/** One permission that is asked for. */
export type ScopeWish = {
  readonly scope: string
  /** What the resource's owner says about it, for scopes that aren't ours. */
  readonly description?: string
  /** The APIs that it is for, where it isn't this server. */
  readonly resources?: readonly string[]
  /** Part of the bargain: shown, but not to be unticked (`openid`). */
  readonly required?: boolean
  /** Whether its box starts ticked. Default: yes. */
  readonly ticked?: boolean
}

export type ScopeWords = { readonly title: string; readonly detail: string | undefined; readonly sensitive: boolean }

/** Whoever has these can act for others or speak for the server. */
const sensitive = /^(?:admin(?:[:.].*)?|vault(?:[:.].*)?|introspect|accounts:provision|leaks:report)$/

/** A scope in words a person understands. A scope of an API is described by its owner; without a description it is named plainly. */
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
  const title =
    wish.description === undefined
      ? message(language, 'scope.named', { scope: clip(wish.scope) })
      : clip(wish.description)
  const detail =
    resources === undefined
      ? undefined
      : message(language, 'consent.at', { resource: apisInWords(language, resources) })
  return { title, detail, sensitive: resources === undefined && sensitive.test(wish.scope) }
}

/** Names of APIs in one sentence. */
export function apisInWords(language: Language, names: readonly string[]): string {
  return new Intl.ListFormat(language).format(names.map((name) => clip(name)))
}

/** The keys of the scopes that we have words for: those that have a `.detail` beside them. */
type DescribedKey = { [Key in MessageKey]: Key extends `${infer Scope}.detail` ? Scope : never }[MessageKey]

const isDescribed = (key: string): key is DescribedKey => key.startsWith('scope.') && Object.hasOwn(en, `${key}.detail`)
