import { findFactors } from '../../accounts/find-factors.ts'
import { renewRecoveryCodes } from '../../accounts/recovery-codes.ts'
import { hasSecondFactor } from '../../domain/factors.ts'
import { recoveryCodesForm } from '../../pages/account/recovery-codes.ts'
import { recoveryCodesPage } from '../../pages/recovery-codes-page.ts'
import type { HttpResponse } from '../../protocol/http.ts'
import { presentationFor } from '../presentation.ts'
import type { Asked, Section } from './section.ts'

/** Codes on paper for when the second factor is lost. */
export const recoveryCodesSection: Section = {
  id: 'recovery-codes',
  title: 'recoveryCodes.title',
  summary: 'recoveryCodes.summary',
  done: 'account.saved',
  recent: () => true,
  async body({ core, form, signedIn: { user } }) {
    const factors = await findFactors(core, user.userId)
    return recoveryCodesForm(form, {
      left: factors?.recoveryHashes.length ?? 0,
      offered: hasSecondFactor(factors),
    })
  },
  async act(asked) {
    const { core, http, signedIn } = asked
    const codes = await renewRecoveryCodes(core, { userId: signedIn.user.userId, address: http.peer.address })
    return codes === undefined ? { says: 'account.problem' } : shownOnce(asked, codes)
  },
}

/** The page that shows new codes, which nothing shows again. */
export function shownOnce({ core, http }: Asked, codes: readonly string[], onwards = '/account'): HttpResponse {
  return recoveryCodesPage(presentationFor(core, http), { codes, onwards })
}
