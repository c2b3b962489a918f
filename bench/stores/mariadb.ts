import { readFileSync } from 'node:fs'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { startMariadb } from '../../test/kit/mariadb.ts'
import { usageOf } from '../measure/process.ts'
import type { Engine } from './engine.ts'
import { startRoundTripCounter } from './round-trips.ts'

export async function mariadbEngine(): Promise<Engine> {
  const mariadb = await startMariadb()
  const counter = await startRoundTripCounter(mariadb.port)
  await mariadb.ask('CREATE DATABASE gatehouse', 'CREATE DATABASE raw')
  const address = mariadb.address('gatehouse')
  const connection = await createConnection(mariadb.address('raw'))
  const status = async (name: string): Promise<number> => {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW GLOBAL STATUS LIKE ?', [name])
    return Number(rows[0]?.['Value'] ?? 0)
  }
  const [[about]] = await connection.query<RowDataPacket[]>('SELECT version() AS version, @@pid_file AS pid')
  const pid = Number(readFileSync(String(about?.['pid']), 'utf8'))
  return {
    name: 'mariadb',
    title: `MariaDB ${String(about?.['version'])}, innodb_flush_log_at_trx_commit=1, on the same machine`,
    environment: { GATEHOUSE_STORE: address.replace(`:${mariadb.port}`, `:${counter.port}`) },
    counters: async () => ({
      cpuMicroseconds: usageOf(pid).cpuMicroseconds,
      writtenBytes: (await status('Innodb_os_log_written')) + (await status('Innodb_data_written')),
      fsyncs: (await status('Innodb_os_log_fsyncs')) + (await status('Innodb_data_fsyncs')),
      roundTrips: counter.count(),
    }),
    openRaw: async () => {
      await connection.query('CREATE TABLE IF NOT EXISTS raw (id VARBINARY(64) PRIMARY KEY, value TEXT NOT NULL)')
      const text = 'INSERT INTO raw (id, value) VALUES ? ON DUPLICATE KEY UPDATE value = VALUES(value)'
      return {
        write: async (ids, value) => void (await connection.query(text, [ids.map((id) => [id, value])])),
        close: async () => undefined,
      }
    },
    stop: async () => {
      await connection.end()
      await counter.close()
      await mariadb.stop()
    },
  }
}
