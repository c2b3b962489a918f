import { expect, test } from 'vitest'
import { startMariadb } from '../kit/mariadb.ts'
import { killOne, printStruck, strikeStore, type Reach } from './strike-store.ts'

const kills = Number(process.env['GATEHOUSE_NODE_KILLS'] ?? 4)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)

test(
  `FLT-01, FLT-09 on MariaDB: ${kills} kills under load, of one of two nodes and of the database in turn, lose and revive nothing`,
  { timeout: 60_000 + kills * 60_000 },
  async () => {
    const server = await startMariadb()
    try {
      await server.ask('CREATE DATABASE ledger')
      let round = 0
      const blow = (reach: Reach): Promise<void> => ((round += 1) % 2 === 1 ? killOne(reach) : server.restart())
      const struck = await strikeStore({
        rounds: kills,
        seed,
        address: server.address('ledger'),
        blow,
        persons: 8,
        nodes: 2,
      })
      console.log(printStruck('FLT-01, FLT-09 on MariaDB', kills, struck))
      expect(struck.violations).toEqual([])
    } finally {
      await server.stop()
    }
  },
)
