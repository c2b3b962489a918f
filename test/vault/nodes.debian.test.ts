import { describe } from 'vitest'
import { startMariadb } from '../kit/mariadb.ts'
import { threeNodes } from './three-nodes.ts'

describe('three nodes on MariaDB', () =>
  threeNodes(async () => {
    const mariadb = await startMariadb()
    await mariadb.ask('CREATE DATABASE vault')
    return { address: mariadb.address('vault', 'connections=8'), stop: mariadb.stop }
  }))
