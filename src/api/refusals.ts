import { problem, type ProblemCode } from '../protocol/problem.ts'
import type { Operation } from './operation.ts'

/** Every code that a call can be refused with, by status: what its policy and the reading of any request bring, and its own. */
export function refusalsOf(operation: Operation): ReadonlyMap<number, readonly ProblemCode[]> {
  const { policy, params, body } = operation
  const codes = new Set<ProblemCode>(['invalid_request'])
  if (policy.who === 'signer') codes.add('invalid_signature').add('forbidden').add('rate_limited')
  else if (policy.who !== 'anybody') codes.add('invalid_token')
  if ('recentSignIn' in policy && policy.recentSignIn !== 'never') codes.add('recent_sign_in_needed')
  if ('scopes' in policy) codes.add('insufficient_scope').add('forbidden')
  if (Object.keys(params.shape).length > 0) codes.add('not_found')
  if (Object.keys(operation.query.shape).length > 0) codes.add('invalid_field')
  if (body !== undefined) codes.add('invalid_field').add('too_large').add('unsupported_media_type')
  for (const code of operation.refusals) codes.add(code)
  codes.add('temporarily_unavailable')
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...codes].toSorted((a, b) => problem(a).status - problem(b).status)) {
    const { status } = problem(code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return byStatus
}
