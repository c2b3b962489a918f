import type { SqlAddress } from '../../src/config/sql-address.ts'
import { parseStoreAddress } from '../../src/config/store-address.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { openMysqlStore, type MysqlOptions } from '../../src/store/mysql/open-mysql-store.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { eventTtl } from '../../src/store/suite/subject.ts'

export function openTestMysql(address: string, options: Partial<MysqlOptions> = {}): Promise<OpenStore> {
  const clock = { monotonic: () => performance.now() }
  return openMysqlStore({ address: addressOf(address), clock, random: createRandom(), eventTtl, ...options })
}

export function addressOf(text: string): SqlAddress {
  const parsed = parseStoreAddress(text, (path) => path)
  if ('problem' in parsed || parsed.address.adapter !== 'mysql') throw new Error('no address of MySQL')
  return parsed.address.sql
}
