import type { FactorsChanged, Unchanged } from '../../accounts/change-factors.ts'
import { problem, type Problem } from '../../protocol/problem.ts'
import type { CallerOf } from '../caller.ts'
import type { oneselfJustNow } from '../policy.ts'
import type { Rejected } from '../result.ts'

/** The person who calls, as whoever changes his second factors from an application. */
export function changing({ user, live: { claims } }: CallerOf<typeof oneselfJustNow>, address: string) {
  return { user, standing: { token: claims }, address }
}

export function notChanged({ refused, ...later }: Extract<FactorsChanged, { readonly refused: unknown }>): Rejected {
  return { refused: refusals[refused], ...later }
}

const putOut = problem('forbidden', { detail: 'the sign-in behind the token has ended, or showed too little' })
const refusals: Readonly<Record<Unchanged, Problem>> = {
  gone: putOut,
  wrong_code: putOut,
  has_one: putOut,
  not_found: problem('not_found', { detail: 'the account has no such second factor' }),
  too_many: problem('rate_limited', { detail: 'too many changes: wait before the next one' }),
}
export const nameless = problem('invalid_field', { field: 'name', detail: 'nothing of the name can be shown' })
