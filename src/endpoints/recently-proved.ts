import type { SignedIn } from '../domain/next-step.ts'
import { provedRecently } from '../domain/session-state.ts'
import type { HttpResponse } from '../protocol/http.ts'
import { lacksSecondFactor } from '../signin/lacks-second-factor.ts'
import type { Core } from './core.ts'
import { seeOther } from './respond.ts'

/** Who may change by what he signs in: somebody who proved himself not long ago, with all that he has (docs/decisions/0013). */
export async function recentlyProved(
  core: Core,
  signedIn: SignedIn | undefined,
  next: string,
): Promise<SignedIn | HttpResponse> {
  if (signedIn === undefined || !provedRecently(signedIn, core.clock.seconds())) return seeOther(`/signin?next=${next}`)
  return (await lacksSecondFactor(core, signedIn)) ? seeOther(`/second-factor?next=${next}`) : signedIn
}
