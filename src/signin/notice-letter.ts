import type { Notice, NoticeTicket } from '../domain/ticket.ts'
import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import type { Letter } from '../mail/letter.ts'
import { letterBodies } from '../pages/letter.ts'

/** What each tells, and the page on which its reader can do something about it. */
const kinds = {
  'user.email_changed': { kind: 'changed', path: '/account' },
  'user.password_changed': { kind: 'passwordChanged', path: '/account' },
  'identity.linked': { kind: 'identityLinked', path: '/account' },
  'identity.unlinked': { kind: 'identityUnlinked', path: '/account' },
  'token.leaked': { kind: 'leaked', path: '/account/access' },
  'factor.added': { kind: 'factorAdded', path: '/account' },
  'factor.removed': { kind: 'factorRemoved', path: '/account' },
  'factor.reset': { kind: 'factorsReset', path: '/account' },
  'recovery_codes.made': { kind: 'codesMade', path: '/account' },
  'recovery_code.used': { kind: 'codeUsed', path: '/account' },
} as const satisfies Record<Notice, { readonly kind: string; readonly path: string }>

/** A letter that tells something. Its link opens nothing by itself. */
export function noticeLetter(
  { issuer, productName }: { readonly issuer: string; readonly productName: string },
  language: Language,
  { purpose, to, username: name }: NoticeTicket,
): Letter {
  const { host } = new URL(issuer)
  const { kind, path } = kinds[purpose]
  const own = kind === 'leaked' ? kind : 'changed'
  const subject = message(language, `letter.${kind}.subject`, { host })
  const bodies = letterBodies({
    language,
    title: subject,
    productName,
    paragraphs: [message(language, `letter.${kind}.text`, { host, name })],
    link: { label: message(language, `letter.${own}.link`), url: issuer + path },
    closing: message(language, `letter.${own}.closing`),
  })
  return { to, subject, ...bodies }
}
