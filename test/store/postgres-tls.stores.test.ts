import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lease, putLease } from '../../src/store/suite/samples.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { certificate, certificateKey } from '../outbound/certificate.ts'
import { openTestPostgres } from './postgres-subject.ts'

describe.skipIf(noPostgres !== undefined)('TLS towards PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'))
  const authority = join(folder, 'authority.pem')
  let secure: TestPostgres
  let plain: TestPostgres
  beforeAll(async () => {
    writeFileSync(authority, certificate)
    secure = await startPostgres([`listen_addresses = '127.0.0.1,127.0.0.2'`], { certificate, key: certificateKey })
    plain = await startPostgres()
  })
  afterAll(async () => {
    await Promise.all([secure.stop(), plain.stop()])
    rmSync(folder, { recursive: true })
  })

  const verified = `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`
  const at = (host: string, options = verified): string =>
    secure.address('tls', options).replace('@127.0.0.1', `@${host}`)

  test.each(['localhost', '127.0.0.1'])(
    'is used for every connection to %s, whose certificate names it',
    async (host) => {
      const { store, admin } = await openTestPostgres(at(host))
      const watcher = new pg.Client({ host: '127.0.0.1', port: secure.port, user: 'gatehouse', database: 'postgres' })
      try {
        await store.commit([putLease(host, 'x', 'v1')])
        expect((await store.read([lease(host)]))[0]?.version).toBe('v1')
        await watcher.connect()
        const { rows } = await watcher.query<{ ssl: boolean; version: string }>(
          "SELECT s.ssl, s.version FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'gatehouse'",
        )
        expect(rows.length).toBeGreaterThan(0)
        for (const { ssl, version } of rows) expect([ssl, version >= 'TLSv1.2']).toEqual([true, true])
      } finally {
        await watcher.end()
        await admin.close()
      }
    },
  )

  test('is refused where nobody whom we trust vouches for the certificate', async () => {
    await expect(openTestPostgres(at('localhost', 'sslmode=verify-full'))).rejects.toThrow(/self-signed certificate/)
  })

  test('is refused where the certificate is another host’s', async () => {
    await expect(openTestPostgres(at('127.0.0.2'))).rejects.toThrow(/127\.0\.0\.2/)
  })

  test('is never left out because a server offers none', async () => {
    await expect(openTestPostgres(plain.address('tls', verified))).rejects.toThrow(/does not support SSL/)
  })
})
