import { findFactors } from '../../accounts/find-factors.ts'
import { renewRecoveryCodes } from '../../accounts/renew-recovery-codes.ts'
import { hasSecondFactor } from '../../domain/factors.ts'
import { recoveryCodesForm } from '../../pages/account/recovery-codes.ts'
import { shownOnce, unchanged } from './factors-changed.ts'
import { inBrowser } from './oneself.ts'
import type { Section } from './section.ts'

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
    const renewed = await renewRecoveryCodes(asked.core, inBrowser(asked))
    return 'refused' in renewed ? unchanged(renewed) : shownOnce(asked, renewed.recoveryCodes ?? [])
  },
}
