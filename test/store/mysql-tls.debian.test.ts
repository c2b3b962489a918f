import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lease, putLease } from '../../src/store/suite/samples.ts'
import { startMariadb, type TestMariadb } from '../kit/mariadb.ts'
import { certificate, certificateKey } from '../outbound/certificate.ts'
import { openTestMysql } from './mysql-subject.ts'

describe('TLS towards MariaDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'))
  const authority = join(folder, 'authority.pem')
  let secure: TestMariadb
  let plain: TestMariadb
  beforeAll(async () => {
    writeFileSync(authority, certificate)
    ;[secure, plain] = await Promise.all([startMariadb({ certificate, key: certificateKey }), startMariadb()])
    await Promise.all([secure, plain].map(({ ask }) => ask('CREATE DATABASE tls')))
  })
  afterAll(async () => {
    await Promise.all([secure.stop(), plain.stop()])
    rmSync(folder, { recursive: true })
  })

  const verified = `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`
  const at = (host: string, options = verified, server = secure): string =>
    server.address('tls', options).replace('@127.0.0.1', `@${host}`)

  test('is used for every connection to a host whose certificate names it', async () => {
    // The server lets nobody in without: whatever connection was plain would fail.
    await secure.ask('ALTER USER root@localhost REQUIRE SSL')
    const { store, admin } = await openTestMysql(at('localhost'))
    try {
      await store.commit([putLease('l', 'x', 'v1')])
      expect((await store.read([lease('l')]))[0]?.version).toBe('v1')
      expect(await admin.verify()).toEqual([])
      await expect(openTestMysql(at('localhost', 'sslmode=disable'))).rejects.toThrow(
        /the user or the password is wrong/,
      )
    } finally {
      await admin.close()
    }
  })

  test('is refused where nobody whom we trust vouches for the certificate', async () => {
    await expect(openTestMysql(at('localhost', 'sslmode=verify-full'))).rejects.toThrow(/self-signed certificate/)
  })

  test('is refused where the certificate is another host’s', async () => {
    await expect(openTestMysql(at('127.1'))).rejects.toThrow(/127\.1. is not in the cert's altnames/)
  })

  test('is never left out because a server offers none', async () => {
    await expect(openTestMysql(at('localhost', verified, plain))).rejects.toThrow(/does not support secure connection/i)
  })
})
