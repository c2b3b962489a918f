import { refuse, type Refusal } from './errors.ts'

/** OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2. */
export type ResponseMode = 'query' | 'form_post' | 'fragment'
/** `token` (implicit) exists only behind a legacy switch. */
export type ResponseType = 'code' | 'token'

const allowed: Readonly<Record<ResponseType, readonly ResponseMode[]>> = {
  // A code in a fragment or a web message can be caught by another page of the client: neither exists for it.
  code: ['query', 'form_post'],
  // A token in a query would end up in logs and referrers (Multiple Response Types §3).
  token: ['fragment'],
}

/** Every mode that can be asked for with a code; the metadata name these. */
export const codeResponseModes = allowed.code

export function defaultResponseMode(type: ResponseType): ResponseMode {
  return type === 'code' ? 'query' : 'fragment'
}

/** The mode to answer in: the one asked for if it fits the response type, its default where none is asked for. */
export function parseResponseMode(text: string | undefined, type: ResponseType): ResponseMode | Refusal {
  if (text === undefined) return defaultResponseMode(type)
  return (
    allowed[type].find((mode) => mode === text) ??
    refuse(
      'invalid_request',
      'response_mode_unsupported',
      `response_mode with ${type} is one of ${allowed[type].join(', ')}`,
    )
  )
}
