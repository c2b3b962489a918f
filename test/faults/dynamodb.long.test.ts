import { expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import { startDynamodbLocal, whyNoDynamodb } from '../store/dynamodb-local.ts'
import { killOne, printStruck, strikeStore } from './strike-store.ts'

const kills = Number(process.env['GATEHOUSE_NODE_KILLS'] ?? 4)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)
const missing = whyNoDynamodb()
if (missing !== undefined) console.error(`SKIPPED the ledger on DynamoDB: ${missing}`)

test.skipIf(missing !== undefined)(
  `FLT-01 on DynamoDB: ${kills} kills of one of two nodes under load lose and revive nothing`,
  async () => {
    const local = await startDynamodbLocal()
    try {
      const address = `dynamodb://local/ledger?endpoint=${local.endpoint}`
      // The table is made, and Java awake, before a server is in a hurry.
      const { admin } = await openStore(address, {
        clock: { monotonic: () => performance.now() },
        random: createRandom(),
        onFatal: (reason) => expect.fail(reason.message),
      })
      await admin.ping()
      await admin.close()
      const struck = await strikeStore({ rounds: kills, seed, address, blow: killOne, persons: 8, nodes: 2 })
      console.log(printStruck('FLT-01 on DynamoDB', kills, struck))
      expect(struck.violations).toEqual([])
    } finally {
      await local.stop()
    }
  },
)
