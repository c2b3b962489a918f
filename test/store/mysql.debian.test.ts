import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createConnection } from 'mysql2/promise'
import { connect, connectionLimits } from '../../src/store/mysql/connection.ts'
import { migrations } from '../../src/store/mysql/schema.ts'
import { event, exists, lease, putLease } from '../../src/store/suite/samples.ts'
import { storeCases } from '../../src/store/suite/store-cases.ts'
import type { Subject } from '../../src/store/suite/subject.ts'
import { startTcpProxy } from '../kit/tcp-proxy.ts'
import { startMariadb, type TestMariadb } from '../kit/mariadb.ts'
import { expectReadOnNewConnection } from './idle-connections.ts'
import { addressOf, openTestMysql } from './mysql-subject.ts'
import { runProcess } from './subjects.ts'

let server: TestMariadb
let made = 0

beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server.stop())

async function database(options = ''): Promise<string> {
  const name = `store_${(made += 1)}`
  await server.ask(`CREATE DATABASE ${name}`)
  return server.address(name, options)
}

const nameOf = (address: string): string => addressOf(address).database

const subject: Subject = {
  shared: true,
  runProcess,
  async create() {
    const address = await database('connections=8')
    return { address, open: () => openTestMysql(address), remove: async () => undefined }
  },
}

describe('the store suite on MariaDB', () => {
  for (const { name, run } of storeCases(subject)) test(name, run, 240_000)
})

describe('FLT-08: opening a store on MariaDB', () => {
  test('by many at once makes it once', async () => {
    const address = await database()
    const opened = await Promise.all(Array.from({ length: 6 }, () => openTestMysql(address)))
    await opened[0]?.store.commit([event('e')])
    for (const { store, admin } of opened) {
      expect(await store.read([{ kind: 'event', id: 'e' }])).toMatchObject([{ id: 'e' }])
      await admin.close()
    }
  })

  test('goes on where another one was killed, or is just now, before it could sign its first table', async () => {
    const address = await database()
    await server.ask(
      `CREATE TABLE ${nameOf(address)}.gatehouse_house (name VARBINARY(32) PRIMARY KEY, value VARBINARY(255) NOT NULL)`,
    )
    await expect(openTestMysql(address, { create: false })).rejects.toThrow(/there is no store at/)
    const { store, admin } = await openTestMysql(address)
    expect(await store.commit([putLease('a', 'x', 'v1')])).toBe('committed')
    await admin.close()
  })

  test('refuses tables that another program made, and what a newer Gatehouse wrote', async () => {
    const foreign = await database()
    await server.ask(`CREATE TABLE ${nameOf(foreign)}.gatehouse_record (id INT)`)
    await expect(openTestMysql(foreign)).rejects.toMatchObject({ name: 'StoreRefused', message: /aren't Gatehouse's/ })
    const newer = await database()
    await (await openTestMysql(newer)).admin.close()
    await server.ask(
      `UPDATE ${nameOf(newer)}.gatehouse_house SET value = '${migrations.length + 1}' WHERE name = 'schema'`,
    )
    await expect(openTestMysql(newer)).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /written by a newer Gatehouse/,
    })
  })

  test('makes nothing for whoever only wants to look', async () => {
    const address = await database()
    await expect(openTestMysql(address, { create: false })).rejects.toThrow(/there is no store at/)
    expect(await server.ask(`SHOW TABLES IN ${nameOf(address)}`)).toEqual([])
  })

  test('refuses a server that says yes before it has written', async () => {
    const address = await database()
    await server.ask('SET GLOBAL innodb_flush_log_at_trx_commit = 2')
    try {
      await expect(openTestMysql(address)).rejects.toMatchObject({
        name: 'StoreRefused',
        message: /innodb_flush_log_at_trx_commit is 2.*; set it to 1/,
      })
    } finally {
      await server.ask('SET GLOBAL innodb_flush_log_at_trx_commit = 1')
    }
  })

  test('gives up what takes too long, and ends a transaction that idles, by limits of every connection', async () => {
    const connection = await connect(addressOf(await database()))
    const { rows } = await connection.one({
      text: 'SELECT @@max_statement_time, @@innodb_lock_wait_timeout, @@idle_transaction_timeout, @@tx_isolation, @@autocommit',
    })
    expect(rows[0]?.map((value) => (value === 'READ-COMMITTED' ? value : Number(value)))).toEqual([
      2,
      1,
      4,
      'READ-COMMITTED',
      1,
    ])
    await connection.close()
  })

  test('says why it can’t', async () => {
    await expect(openTestMysql(server.address('nosuch'))).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /no such database/,
    })
    await expect(openTestMysql('mysql://root@127.0.0.1:1/x')).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })
})

describe('a store on MariaDB', () => {
  test('FLT-14: a record that somebody keeps locked keeps nobody else, and nobody for long', async () => {
    const address = await database()
    const { store, admin } = await openTestMysql(address)
    await store.commit([putLease('hot', 'x', 'v1')])
    const holder = await createConnection({
      host: '127.0.0.1',
      port: server.port,
      user: 'root',
      database: nameOf(address),
    })
    await holder.query('START TRANSACTION')
    await holder.query("SELECT * FROM gatehouse_record WHERE kind = 'lease' AND id = 'hot' FOR UPDATE")
    const since = performance.now()
    const outcomes = await Promise.allSettled([
      store.commit([putLease('cold', 'x', 'c1')]),
      store.commit([putLease('hot', 'y', 'v2', { expect: 'v1' })]),
      store.commit([event('e')]),
    ])
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: 'committed' },
      { status: 'rejected', reason: { name: 'StoreUnavailable', outcome: 'none' } },
      { status: 'fulfilled', value: 'committed' },
    ])
    expect(performance.now() - since).toBeLessThan(4_000)
    expect(await exists(store, lease('cold'))).toBe(true)
    await holder.query('ROLLBACK')
    expect(await store.commit([putLease('hot', 'y', 'v2', { expect: 'v1' })])).toBe('committed')
    holder.destroy()
    await admin.close()
  })

  test('a sweep passes over what somebody is at work on: it waits for nobody, and deletes nothing that was just given longer', async () => {
    const address = await database()
    const { store, admin } = await openTestMysql(address)
    const end = 2_000_000_000
    await store.commit(['a', 'b'].map((id) => putLease(id, 'x', `v-${id}`, { expiresAt: end })))
    const worker = await createConnection({
      host: '127.0.0.1',
      port: server.port,
      user: 'root',
      database: nameOf(address),
    })
    await worker.query('START TRANSACTION')
    await worker.query(
      `UPDATE gatehouse_record SET expires_at = ${end + 100}, sweep_at = ${end + 100} WHERE kind = 'lease' AND id = 'a'`,
    )
    expect(await store.sweep(end + 1, 10)).toBe(1)
    await worker.query('COMMIT')
    worker.destroy()
    expect(await store.sweep(end + 2, 10)).toBe(0)
    expect(await exists(store, lease('a'))).toBe(true)
    await admin.close()
  })

  test('FLT-14: a connection whose server says nothing any more is given up, and never used again', async () => {
    const proxy = await startTcpProxy(server.port)
    const address = addressOf((await database()).replace(`:${server.port}`, `:${proxy.port}`))
    const connection = await connect(address, { ...connectionLimits, answerMillis: 200 })
    try {
      proxy.freeze()
      await expect(connection.one({ text: 'SELECT 1' })).rejects.toThrow(/timeout/i)
      expect(connection.broken()).toBe(true)
    } finally {
      proxy.thaw()
      await connection.close()
      await proxy.close()
    }
  })

  test('refuses writes on a server that was made read-only, and goes on when it is over', async () => {
    const { store, admin } = await openTestMysql(await database())
    await store.commit([putLease('a', 'x', 'v1')])
    await server.ask('SET GLOBAL read_only = 1')
    try {
      await expect(admin.ping()).rejects.toThrow(/takes no writes/)
    } finally {
      await server.ask('SET GLOBAL read_only = 0')
    }
    expect(await store.commit([putLease('b', 'x', 'v1')])).toBe('committed')
    await admin.close()
  })

  test('goes on after the server was killed, with everything that it had answered', async () => {
    const { store, admin } = await openTestMysql(await database())
    for (let round = 0; round < 3; round += 1) {
      expect(await store.commit([putLease(`a-${round}`, 'x', 'v1')])).toBe('committed')
      await server.restart()
      for (let before = 0; before <= round; before += 1) expect(await exists(store, lease(`a-${before}`))).toBe(true)
    }
    await admin.close()
  })

  test('tries a read again on a new connection, not on those that idled beside the one that ended', async () => {
    // The answer to a greeting is the second packet; every command is a first one.
    const begins = (sent: Buffer) => sent[3] === 1
    await expectReadOnNewConnection(server, await database(), { open: openTestMysql, begins })
  })

  test('verify finds what isn’t as it was written', async () => {
    const address = await database()
    const { store, admin } = await openTestMysql(address)
    await store.commit([putLease('a', 'x', 'v1', { owners: ['o'] }), putLease('b', 'x', 'v1', { owners: ['o'] })])
    expect(await admin.verify()).toEqual([])
    const name = nameOf(address)
    await server.ask(
      `UPDATE ${name}.gatehouse_record SET value = '{"v":1' WHERE id = 'a'`,
      `DELETE FROM ${name}.gatehouse_link WHERE id = 'b'`,
      `INSERT INTO ${name}.gatehouse_link (kind, owner, id) VALUES ('lease', 'p', 'b')`,
      `UPDATE ${name}.gatehouse_feed SET newest = -1`,
    )
    expect(await admin.verify()).toEqual([
      "the lease a isn't what was written",
      'the lease b is missing in the list of o',
      "the list of p names the lease b, which isn't p's",
      'the feed of changes has lost count',
    ])
    await admin.close()
  })

  test('looks up by key, whatever the number of keys', async () => {
    const address = await database()
    const { store, admin } = await openTestMysql(address)
    const ids = Array.from({ length: 400 }, (_, index) => `id-${index}`)
    await store.commit(ids.map((id) => putLease(id, 'x', id)))
    await server.ask(
      `ANALYZE TABLE ${nameOf(address)}.gatehouse_record`,
      'SET GLOBAL userstat = 1',
      'FLUSH TABLE_STATISTICS',
    )
    await admin.close()
    // Sessions count for themselves, and add it up at their end.
    const again = await openTestMysql(address)
    await again.store.read(ids.slice(0, 20).map(lease))
    await again.admin.close()
    const [read] = await server.ask(
      `SELECT ROWS_READ FROM information_schema.TABLE_STATISTICS WHERE TABLE_SCHEMA = '${nameOf(address)}' AND TABLE_NAME = 'gatehouse_record'`,
    )
    expect(Number((read as { ROWS_READ?: unknown } | undefined)?.ROWS_READ)).toBe(20)
  })
})
