import type { FactorsChanged } from '../../accounts/change-factors.ts'
import { recoveryCodesPage } from '../../pages/recovery-codes-page.ts'
import type { HeaderLine, HttpResponse } from '../../protocol/http.ts'
import { presentationFor, withHeaders } from '../presentation.ts'
import { seeOther } from '../respond.ts'
import type { Asked, Mistake } from './section.ts'

/** What the browser is told when a factor was added: the cookie of a stronger session, and recovery codes where it was the first. */
export function afterAdding(
  asked: Asked,
  { recoveryCodes }: Extract<FactorsChanged, { readonly recoveryCodes: unknown }>,
  { setCookie, onwards }: { readonly setCookie: HeaderLine; readonly onwards?: string | undefined },
): HttpResponse {
  const shown =
    recoveryCodes === undefined
      ? seeOther(onwards ?? `${asked.form.action}?done`)
      : shownOnce(asked, recoveryCodes, onwards)
  return withHeaders(shown, [setCookie])
}

/** One that was gone already is what was wanted. */
export function afterRemoval(changed: FactorsChanged): 'done' | Mistake {
  return 'refused' in changed && changed.refused !== 'not_found' ? unchanged(changed) : 'done'
}

/** Whoever was put out meanwhile is told that nothing happened. */
export function unchanged({ refused }: Extract<FactorsChanged, { readonly refused: unknown }>): Mistake {
  return refused === 'too_many' ? { says: 'password.throttled', status: 429 } : { says: 'account.problem' }
}

/** The page that shows new codes, which nothing shows again. */
export function shownOnce({ core, http }: Asked, codes: readonly string[], onwards = '/account'): HttpResponse {
  return recoveryCodesPage(presentationFor(core, http), { codes, onwards })
}
