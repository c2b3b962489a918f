import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Seconds } from '../../protocol/time.ts'
import type { Call } from './call.ts'

/** What everything that speaks to the table needs. */
export type TableContext = {
  readonly client: DynamoDBClient
  readonly table: string
  readonly call: Call
  readonly eventTtl: Seconds
}
