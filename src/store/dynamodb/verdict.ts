import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb'
import type { Verdict } from './call.ts'

/** Said before anything was done. */
const harmless: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'TransactionConflictException',
  'RequestTimeTooSkewed',
])

/** Never sent: nobody listens, or there is no name for the address. */
const neverSent: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** What a failed attempt means. Conditions that weren't met are no failures and never come here. */
export function verdictOf(error: unknown): Verdict {
  if (!(error instanceof Error)) return 'unknown'
  if (harmless.has(error.name)) return 'none'
  // The same transaction is still under way; the next attempt learns how it ended.
  if (error.name === 'TransactionInProgressException') return 'unknown'
  if (error instanceof DynamoDBServiceException)
    return (error.$metadata.httpStatusCode ?? 500) >= 500 ? 'unknown' : 'final'
  if ('code' in error && typeof error.code === 'string' && neverSent.has(error.code)) return 'none'
  if (error.name === 'CredentialsProviderError') return 'final'
  // A programming error must not look like a busy network.
  if (error instanceof TypeError || error instanceof RangeError) throw error
  return 'unknown'
}
