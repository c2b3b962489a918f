import type { Seconds } from '../protocol/time.ts'
import { duration } from '../i18n/duration.ts'
import { message } from '../i18n/message.ts'
import type { Page, Presentation } from './page.ts'
import { problemPage } from './problem-page.ts'

export type RetryLaterView = {
  /** 429 (RFC 6585 §4) or 503 (RFC 9110 §15.6.4). */
  readonly error: 'too_many_requests' | 'temporarily_unavailable'
  readonly retryAfter: Seconds
  readonly reference?: string
}

/** Not now, but soon: says when, in words and in `Retry-After`. */
export function retryLaterPage(presentation: Presentation, view: RetryLaterView): Page {
  const { language } = presentation
  const wait = Math.max(1, Math.ceil(view.retryAfter))
  return problemPage(presentation, {
    status: view.error === 'too_many_requests' ? 429 : 503,
    error: view.error,
    reference: view.reference,
    title: message(language, `problem.${view.error}.title`),
    what: message(language, `problem.${view.error}.what`),
    advice: message(language, `problem.${view.error}.advice`, { duration: duration(language, wait) }),
    headers: [['retry-after', String(wait)]],
  })
}
