import type { SignedIn } from '../domain/next-step.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { parseParameters, refuseRepeated, type Parameters } from '../protocol/parameters.ts'
import { guardForm } from '../signin/form-guard.ts'
import { currentSession } from '../signin/session.ts'
import type { Core } from './core.ts'
import { refusalPage } from './presentation.ts'

/** The pages that somebody is led to, and what their forms are for. */
export type PageName =
  | 'signin'
  | 'second-factor'
  | 'continue'
  | 'consent'
  | 'signup'
  | 'identities'
  | 'register'
  | 'recover'
  | 'signin-code'
  | 'letter'
  | 'discharge'

/** What a page or its form was asked with, and who is signed in. */
export type PageRequest = {
  readonly parameters: Parameters
  /** Id of the parked request (at `discharge`, of the caveat), as it was sent. */
  readonly interaction: string | undefined
  readonly signedIn: SignedIn | undefined
}

/** A form's purpose names what it is about, so that a form for one request answers no other. */
export function purposeOf(page: PageName, interaction: string | undefined): string {
  return `${page}:${interaction ?? ''}`
}

/**
 * The gates of all these pages, in their order: parameters that can be read; of a form, that our own page sent it; none twice,
 * but for the check boxes of consent.
 */
export async function readPageRequest(
  core: Core,
  http: HttpRequest,
  page: PageName,
): Promise<PageRequest | HttpResponse> {
  const isForm = http.method === 'POST'
  const parameters = parseParameters(isForm ? http.body : http.query)
  if (isRefusal(parameters)) return refusalPage(core, http, { endpoint: page, refusal: parameters })
  const interaction = parameters.get(page === 'discharge' ? 'caveat_id' : 'interaction')
  const signedIn = await currentSession(core, http)
  const form = { purpose: purposeOf(page, interaction), signedIn, parameters }
  const refused =
    (isForm ? guardForm(core, http, form) : undefined) ??
    refuseRepeated(parameters, page === 'consent' ? 'scope' : undefined)
  return refused === undefined
    ? { parameters, interaction, signedIn }
    : refusalPage(core, http, { endpoint: page, refusal: refused })
}
