import { message } from '../i18n/message.ts'
import type { MessageKey } from '../i18n/messages/translation.ts'
import { en } from '../i18n/messages/en.ts'
import type { Page, Presentation } from './page.ts'
import { problemPage } from './problem-page.ts'

export type ErrorView = {
  /** The wire code (RFC 6749 §4.1.2.1 and ours). One that we have no words for gets general ones. */
  readonly error: string
  /** Whose words explain it, where those of the code are too general: another code. */
  readonly words?: string
  /** Default: what the code stands for, else 400. */
  readonly status?: number
  /** The short, fixed description that goes with the code on the wire. */
  readonly description?: string
  /** Id of the audit event. */
  readonly reference?: string
  readonly clientId?: string
}

const statuses: Readonly<Record<string, number>> = {
  forbidden: 403,
  access_denied: 403,
  method_not_allowed: 405,
  server_error: 500,
}

/** For an error that must not or can't be sent to the application. */
export function errorPage(presentation: Presentation, view: ErrorView): Page {
  const { language } = presentation
  const words = worded(view.words ?? view.error)
  return problemPage(presentation, {
    ...view,
    status: view.status ?? (Object.hasOwn(statuses, view.error) ? statuses[view.error] : undefined) ?? 400,
    title: message(language, `problem.${words}.title`),
    what: message(language, `problem.${words}.what`),
    advice: message(language, `problem.${words}.advice`),
  })
}

type WaitingCode = 'too_many_requests' | 'temporarily_unavailable'
type WordedCode = MessageKey extends infer Key
  ? Key extends `problem.${infer Code}.title`
    ? Exclude<Code, WaitingCode>
    : never
  : never

function worded(error: string): WordedCode {
  return isWorded(error) ? error : 'other'
}

const isWorded = (error: string): error is WordedCode =>
  Object.hasOwn(en, `problem.${error}.title`) && error !== 'too_many_requests' && error !== 'temporarily_unavailable'
