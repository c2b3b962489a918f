import { describe } from 'vitest'
import { noPostgres, startPostgres } from '../kit/postgres.ts'
import { startDynamodbLocal, whyNoDynamodb } from '../store/dynamodb-local.ts'
import { threeNodes, type Running } from './three-nodes.ts'

const engines = [
  {
    engine: 'PostgreSQL',
    missing: noPostgres,
    start: async (): Promise<Running> => {
      const postgres = await startPostgres()
      return { address: postgres.address('vault', 'connections=8'), stop: postgres.stop }
    },
  },
  {
    engine: 'DynamoDB',
    missing: whyNoDynamodb(),
    start: async (): Promise<Running> => {
      const local = await startDynamodbLocal()
      return { address: `dynamodb://local/vault?endpoint=${local.endpoint}`, stop: local.stop }
    },
  },
]
for (const { engine, missing } of engines)
  if (missing !== undefined) console.error(`SKIPPED the vault on ${engine}: ${missing}`)

describe.each(engines.filter(({ missing }) => missing === undefined))('three nodes on $engine', ({ start }) =>
  threeNodes(start),
)
