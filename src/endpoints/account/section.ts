import type { SignedIn } from '../../domain/next-step.ts'
import type { PlainKey } from '../../i18n/messages/translation.ts'
import type { SectionForm } from '../../pages/account/section-form.ts'
import type { Html } from '../../pages/html.ts'
import type { StrengthView } from '../../pages/strength-bar.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import type { Parameters } from '../../protocol/parameters.ts'
import type { Core } from '../core.ts'

/** What a section is given: whose account it is, and what its form sends back. */
export type Asked = {
  readonly core: Core
  readonly http: HttpRequest
  readonly signedIn: SignedIn
  readonly form: SectionForm
  /** The value of the browser's cookie. */
  readonly browser: string
}

/** Why what was sent didn't work, to be shown with what was typed. */
export type Mistake = {
  readonly says: PlainKey
  /** Name of the field that is to blame. */
  readonly field?: string | undefined
  /** What was found about a new password that is refused. */
  readonly strength?: StrengthView | undefined
  /** Default: 400. */
  readonly status?: number
  readonly typed?: Parameters
}

/** One page below `/account`. */
export type Section = {
  /** Last segment of its path. */
  readonly id: string
  readonly title: PlainKey
  readonly summary: PlainKey
  /** What its page says after something was done. */
  readonly done: PlainKey
  /** Whether this server has what it takes. Default: yes. */
  readonly offered?: (core: Core) => boolean
  /** Changing credentials, identities or names needs a recent sign-in: an open browser may be anybody’s. */
  readonly recent: (signedIn: SignedIn) => boolean
  /** It hands out tokens, so roles that get none without a second factor (`users.second_factor`) show one here too. */
  readonly givesTokens?: true
  readonly body: (asked: Asked, mistake: Mistake | undefined) => Promise<Html> | Html
  /** Its page has a form for passkeys. */
  readonly passkeys?: true
  /** Its form asks for a new password. */
  readonly newPassword?: true
  /** What its form does. An answer goes out as it is. */
  readonly act: (asked: Asked, parameters: Parameters) => Promise<'done' | Mistake | HttpResponse>
}
