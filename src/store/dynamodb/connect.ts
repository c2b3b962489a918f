import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamodbAddress } from '../../config/dynamodb-address.ts'
import { isLoopbackHost } from '../../protocol/loopback.ts'

const connectMillis = 500
const mostSockets = 256

/** A client that tries once: how often, and for how long, is decided in `call.ts`. */
export function connect({ region, endpoint }: DynamodbAddress): DynamoDBClient {
  return new DynamoDBClient({
    region,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectMillis,
      httpAgent: { maxSockets: mostSockets, keepAlive: true },
      httpsAgent: { maxSockets: mostSockets, keepAlive: true },
    },
    ...(endpoint !== undefined && { endpoint }),
    // DynamoDB Local wants some credentials and takes any; everywhere else the SDK finds the real ones.
    ...(endpoint !== undefined &&
      isLoopbackHost(new URL(endpoint).hostname) && {
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
  })
}
