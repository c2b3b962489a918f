import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import pg from 'pg'
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import { connect } from '../../src/store/postgres/connection.ts'
import { createLook } from '../../src/store/postgres/look.ts'
import { migrations } from '../../src/store/postgres/schema.ts'
import { statementsFor } from '../../src/store/postgres/statements.ts'
import { event, exists, lease, putLease } from '../../src/store/suite/samples.ts'
import { eventTtl } from '../../src/store/suite/subject.ts'
import { storeCases } from '../../src/store/suite/store-cases.ts'
import { startTcpProxy } from '../kit/tcp-proxy.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { expectReadOnNewConnection } from './idle-connections.ts'
import { addressOf, openTestPostgres, postgresSubject } from './postgres-subject.ts'

let server: TestPostgres | undefined

beforeAll(async () => {
  if (noPostgres === undefined) server = await startPostgres()
  else console.warn(`the store on PostgreSQL is left out: ${noPostgres}`)
})
afterAll(() => server?.stop())

const running = (): TestPostgres => {
  if (server === undefined) throw new Error('no server')
  return server
}

async function ask(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ host: '127.0.0.1', port: running().port, user: 'gatehouse', database: 'postgres' })
  await client.connect()
  try {
    let rows: readonly Record<string, unknown>[] = []
    for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement))
    return rows
  } finally {
    await client.end()
  }
}

describe.skipIf(noPostgres !== undefined)('the store suite on PostgreSQL', () => {
  const subject = postgresSubject(() => server)
  for (const { name, run } of storeCases(subject)) test(name, run, 60_000)
})

describe.skipIf(noPostgres !== undefined)('FLT-08: opening a store on PostgreSQL', () => {
  test('by many at once makes it once', async () => {
    const address = running().address('at_once')
    const opened = await Promise.all(Array.from({ length: 6 }, () => openTestPostgres(address)))
    await opened[0]?.store.commit([event('e')])
    for (const { store, admin } of opened) {
      expect(await store.read([{ kind: 'event', id: 'e' }])).toMatchObject([{ id: 'e' }])
      await admin.close()
    }
  })

  test('refuses tables that another program made', async () => {
    await ask('CREATE SCHEMA foreigners', 'CREATE TABLE foreigners.record (id int)')
    await expect(openTestPostgres(running().address('foreigners'))).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /holds tables that aren't Gatehouse's; name another one with \?schema=NAME/,
    })
    await ask('CREATE TABLE foreigners.house (name text, value text)')
    await expect(openTestPostgres(running().address('foreigners'))).rejects.toThrow(/aren't Gatehouse's/)
  })

  test('refuses what a newer Gatehouse wrote', async () => {
    const address = running().address('newer')
    await (await openTestPostgres(address)).admin.close()
    await ask(`UPDATE newer.house SET value = '${migrations.length + 1}' WHERE name = 'schema'`)
    await expect(openTestPostgres(address)).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /written by a newer Gatehouse .*run the newer one, or restore a backup/,
    })
  })

  test('makes nothing for whoever only wants to look', async () => {
    await expect(openTestPostgres(running().address('nothing'), { create: false })).rejects.toThrow(
      /there is no store at/,
    )
    expect(await ask("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'nothing'")).toEqual([])
  })

  test.each([
    ['postgres://gatehouse@127.0.0.1:1/postgres', 'StoreUnavailable', /can't be reached/],
    ['database', 'StoreRefused', /there is no such database/],
    ['user', 'StoreRefused', /lets nobody in under that name/],
  ])('says why it can’t: %s', async (what, name, message) => {
    const { port } = running()
    const address = {
      database: `postgres://gatehouse@127.0.0.1:${port}/nosuch`,
      user: `postgres://nosuch@127.0.0.1:${port}/postgres`,
    }[what]
    await expect(openTestPostgres(address ?? what)).rejects.toMatchObject({ name, message })
  })
})

describe.skipIf(noPostgres !== undefined)('a store on PostgreSQL', () => {
  test('FLT-14: a record that somebody keeps locked keeps nobody else, and nobody for long', async () => {
    const { store, admin } = await openTestPostgres(running().address('locked'))
    await store.commit([putLease('hot', 'x', 'v1')])
    const holder = new pg.Client({ host: '127.0.0.1', port: running().port, user: 'gatehouse', database: 'postgres' })
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT * FROM locked.record FOR UPDATE')
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
    expect(performance.now() - since).toBeLessThan(5_000)
    expect(await exists(store, lease('cold'))).toBe(true)
    await holder.query('ROLLBACK')
    expect(await store.commit([putLease('hot', 'y', 'v2', { expect: 'v1' })])).toBe('committed')
    await holder.end()
    await admin.close()
  })

  test('FLT-14: whose server says nothing any more refuses at once, and takes commits again within a second of its answers', async () => {
    const proxy = await startTcpProxy(running().port)
    const address = running().address('mute').replace(`:${running().port}`, `:${proxy.port}`)
    const clock = { monotonic: () => performance.now() }
    const { store, admin } = await openStore(address, { clock, random: createRandom(), onFatal: () => undefined })
    let made = 0
    /** How it went, and how long that took. */
    const commit = async (): Promise<{ readonly said: string; readonly millis: number }> => {
      const since = performance.now()
      const said = await store.commit([event(`mute-${(made += 1)}`)]).catch(String)
      return { said, millis: performance.now() - since }
    }
    try {
      expect((await commit()).said).toBe('committed')
      proxy.freeze()
      const load: Promise<unknown>[] = []
      for (let times = 0; times < 60; times += 1) {
        load.push(commit())
        await pause(100)
      }
      const refused = await Promise.all(Array.from({ length: 50 }, commit))
      const atOnce = refused.filter(({ said, millis }) => said.includes('for a while') && millis < 500)
      // All but who finds out.
      expect(atOnce.length).toBeGreaterThanOrEqual(49)
      await Promise.all(load)
      proxy.thaw()
      const thawedAt = performance.now()
      while ((await commit()).said !== 'committed' && performance.now() < thawedAt + 5_000) await pause(10)
      expect(performance.now() - thawedAt).toBeLessThan(1_000)
    } finally {
      proxy.thaw()
      await admin.close()
      await proxy.close()
    }
  })

  test('what one unit can’t hold is refused alone', async () => {
    const { store, admin } = await openTestPostgres(running().address('too_long'))
    // A key of an index is at most a third of a page.
    const long = Array.from({ length: 9_000 }, (_, index) =>
      String.fromCharCode(0x4e00 + ((index * 7919) % 20_000)),
    ).join('')
    const outcomes = await Promise.allSettled([
      store.commit([putLease('a', 'x', 'v1')]),
      store.commit([putLease(long, 'x', 'v1')]),
      store.commit([putLease('b', 'x', 'v1')]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { name: 'StoreUnavailable', outcome: 'none' } })
    await admin.close()
  })

  test('prepares each statement once on a connection: afterwards names travel, and no SQL', async () => {
    const proxy = await startTcpProxy(running().port)
    const address = running().address('prepared').replace(`:${running().port}`, `:${proxy.port}`)
    const { store, admin } = await openTestPostgres(address)
    let sent = ''
    const round = async (name: string): Promise<void> => {
      await store.commit([putLease(name, 'x', `${name}-1`)])
      await store.commit([putLease(name, 'y', `${name}-2`, { expect: `${name}-1` }), event(`e-${name}`)])
      await store.commit([event(`alone-${name}`)])
      expect((await store.read([lease(name), { kind: 'event', id: `e-${name}` }])).every(Boolean)).toBe(true)
      await store.list('lease', '*', { limit: 5 })
      await admin.changes('0')
      await store.commit([{ op: 'delete', ...lease(name), expect: `${name}-2` }])
      await store.sweep(0, 10)
    }
    try {
      await round('first')
      proxy.watch = (bytes) => {
        sent += bytes.toString('latin1')
        return 'pass'
      }
      for (let turn = 0; turn < 5; turn += 1) await round(`turn-${turn}`)
    } finally {
      await admin.close()
      await proxy.close()
    }
    expect(sent.match(/\b(?:SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT)\b.{0,60}/g)).toBeNull()
    for (const name of ['begin', 'lock', 'insert', 'commit']) expect(sent).toContain(`prepared_${name}`)
  })

  test('is durable whatever the database’s default, and at home in any isolation level', async () => {
    await ask(
      "ALTER DATABASE postgres SET synchronous_commit = 'off'",
      "ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'",
    )
    try {
      const { store, admin } = await openTestPostgres(running().address('defaults'))
      await store.commit([putLease('a', 'x', 'v0')])
      const connection = await connect(addressOf(running().address('defaults')))
      expect((await connection.query('SHOW synchronous_commit')).rows).toEqual([['on']])
      await connection.close()
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          store.commit([putLease('a', String(index), `v${index + 1}`, { expect: 'v0' })]),
        ),
      )
      expect(outcomes.filter((outcome) => outcome === 'committed').length).toBe(1)
      await admin.close()
    } finally {
      await ask(
        'ALTER DATABASE postgres RESET synchronous_commit',
        'ALTER DATABASE postgres RESET default_transaction_isolation',
      )
    }
  })

  test('gives up what takes too long, and ends a transaction that idles, by limits of every connection', async () => {
    const connection = await connect(addressOf(running().address('limits')))
    const shown = async (name: string): Promise<unknown> => (await connection.query(`SHOW ${name}`)).rows[0]?.[0]
    expect(
      await Promise.all(['statement', 'lock', 'idle_in_transaction_session'].map((of) => shown(`${of}_timeout`))),
    ).toEqual(['2s', '500ms', '4s'])
    await connection.close()
  })

  test('a statement that finds other rows than it was told of ends its transaction', async () => {
    const address = running().address('exact')
    const { store, admin } = await openTestPostgres(address)
    await store.commit([putLease('a', 'x', 'v1')])
    const connection = await connect(addressOf(address))
    const sql = statementsFor('exact')
    const [kinds, ids, stale] = [['lease'], [Buffer.from('a')], [Buffer.from('v0')]]
    const tried = [
      [sql.update, [kinds, ids, [Buffer.from('v2')], ['{}'], [null], [null], ['[]'], stale, 1]],
      [sql.remove, [kinds, ids, stale, 1]],
      [sql.unclaim, [kinds, [Buffer.from('none')], 1]],
    ] as const
    for (const [statement, values] of tried)
      await expect(connection.query(statement, values)).rejects.toMatchObject({ code: '22012' })
    expect(await store.read([lease('a')])).toMatchObject([{ version: 'v1', value: { holder: 'x' } }])
    await connection.close()
    await admin.close()
  })

  test('a sweep passes over what somebody is at work on: it waits for nobody, and deletes nothing that was just given longer', async () => {
    const { store, admin } = await openTestPostgres(running().address('at_work'))
    const end = 2_000_000_000
    await store.commit(['a', 'b'].map((id) => putLease(id, 'x', `v-${id}`, { expiresAt: end })))
    const worker = new pg.Client({ host: '127.0.0.1', port: running().port, user: 'gatehouse', database: 'postgres' })
    await worker.connect()
    await worker.query('BEGIN')
    await worker.query(`UPDATE at_work.record SET expires_at = ${end + 100}, sweep_at = ${end + 100} WHERE id = 'a'`)
    expect(await store.sweep(end + 1, 10)).toBe(1)
    await worker.query('COMMIT')
    await worker.end()
    expect(await store.sweep(end + 2, 10)).toBe(0)
    expect(await exists(store, lease('a'))).toBe(true)
    await admin.close()
  })

  test('whoever reads everything sees one state of it, can write nothing, and may take his time', async () => {
    const connection = await connect(addressOf(running().address('whole')))
    await createLook(statementsFor('whole'), eventTtl).snapshot(connection)
    const shown = async (name: string): Promise<unknown> => (await connection.query(`SHOW ${name}`)).rows[0]?.[0]
    expect([
      await shown('transaction_isolation'),
      await shown('transaction_read_only'),
      await shown('idle_in_transaction_session_timeout'),
    ]).toEqual(['repeatable read', 'on', '0'])
    await connection.close()
  })

  test('FLT-11: of two that start at once on another history one fences, and the other waits for it', async () => {
    const address = running().address('moved')
    await (await openTestPostgres(address)).admin.close()
    await ask("UPDATE moved.house SET value = 'another/1' WHERE name = 'origin'")
    let fences = 0
    const onMoved = async (): Promise<void> => {
      fences += 1
      // Longer than anybody waits for a lock.
      await pause(1_000)
    }
    const opened = await Promise.all([1, 2].map(() => openTestPostgres(address, { onMoved })))
    expect(fences).toBe(1)
    for (const { admin } of opened) await admin.close()
  })

  test('refuses a server that syncs nothing', async () => {
    const off = async (): Promise<boolean> => (await ask('SHOW fsync'))[0]?.['fsync'] === 'off'
    await ask('ALTER SYSTEM SET fsync = off', 'SELECT pg_reload_conf()')
    try {
      await expect.poll(off).toBe(true)
      await expect(openTestPostgres(running().address('unsynced'))).rejects.toMatchObject({
        name: 'StoreRefused',
        message: /fsync is off/,
      })
    } finally {
      await ask('ALTER SYSTEM RESET fsync', 'SELECT pg_reload_conf()')
      await expect.poll(off).toBe(false)
    }
  })

  test('refuses writes on a server that was made read-only, tells it to whoever asks, and goes on when it is over', async () => {
    const { store, admin } = await openTestPostgres(running().address('read_only'))
    await store.commit([putLease('a', 'x', 'v1')])
    await ask("ALTER DATABASE postgres SET default_transaction_read_only = 'on'", 'SELECT pg_sleep(0)')
    await ask("SET default_transaction_read_only = 'off'", killOthers)
    try {
      await expect(store.commit([putLease('b', 'x', 'v1')])).rejects.toMatchObject({ outcome: 'none' })
      await expect(admin.ping()).rejects.toThrow(/takes no writes/)
      expect(await exists(store, lease('a'))).toBe(true)
    } finally {
      await ask(
        "SET default_transaction_read_only = 'off'",
        'ALTER DATABASE postgres RESET default_transaction_read_only',
        killOthers,
      )
    }
    expect(await store.commit([putLease('b', 'x', 'v1')])).toBe('committed')
    await admin.ping()
    await admin.close()
  })

  test('goes on when its connections were terminated', async () => {
    const { store, admin } = await openTestPostgres(running().address('terminated'))
    for (let round = 0; round < 5; round += 1) {
      await store.commit([putLease(`a-${round}`, 'x', 'v1')])
      await ask(killOthers)
      expect(await exists(store, lease(`a-${round}`))).toBe(true)
    }
    await admin.close()
  })

  test('tries a read again on a new connection, not on those that idled beside the one that ended', async () => {
    // The version of the protocol: 3.0.
    const begins = (sent: Buffer) => sent.length > 8 && sent.readInt32BE(4) === 0x3_00_00
    await expectReadOnNewConnection(running(), running().address('idle'), { open: openTestPostgres, begins })
  })

  test('verify finds what isn’t as it was written', async () => {
    const { store, admin } = await openTestPostgres(running().address('damaged'))
    await store.commit([putLease('a', 'x', 'v1', { owners: ['o'] }), putLease('b', 'x', 'v1', { owners: ['o'] })])
    expect(await admin.verify()).toEqual([])
    await ask(
      "UPDATE damaged.record SET value = 'canary' WHERE id = 'a'",
      "DELETE FROM damaged.link WHERE id = 'b'",
      "INSERT INTO damaged.link (kind, owner, id) VALUES ('lease', 'p', 'b')",
      'UPDATE damaged.feed SET newest = -1',
    )
    expect(await admin.verify()).toEqual([
      "the lease a isn't what was written",
      'the lease b is missing in the list of o',
      "the list of p names the lease b, which isn't p's",
      'the feed of changes has lost count',
    ])
    // It says nothing of the others, and nobody quotes it.
    for (const look of [() => store.read([lease('a')]), () => store.list('lease', 'o', { limit: 9 })]) {
      await expect(look()).rejects.toMatchObject({ name: 'StoreUnavailable', ofOne: true })
      await expect(look()).rejects.toThrow(/isn't what was written/)
    }
    expect(await exists(store, lease('b'))).toBe(true)
    await admin.close()
  })

  test('a rotation that moves its end every time leaves the row on its page', async () => {
    const { store, admin } = await openTestPostgres(running().address('hot'))
    const end = 2_000_000_000
    await store.commit([putLease('a', '0', 'v0', { owners: ['o'], expiresAt: end })])
    for (let turn = 1; turn <= 20; turn += 1)
      await store.commit([putLease('a', String(turn), `v${turn}`, { expect: `v${turn - 1}`, expiresAt: end + turn })])
    await admin.close()
    const [counts] = await ask(
      'SELECT pg_stat_force_next_flush()',
      "SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE schemaname = 'hot' AND relname = 'record'",
    )
    expect(counts).toEqual({ updates: '20', hot: '20' })
  })

  test('a sweep begins where the one before it ended, and every six hours at the oldest: what came with a time long past waits for that', async () => {
    const { store, admin } = await openTestPostgres(running().address('sweeps'))
    const now = 2_000_000_000
    const late = async (name: string, ago: number): Promise<unknown> =>
      store.commit([putLease(name, 'x', 'v1', { expiresAt: now - ago }), event(`e-${name}`, now - ago - eventTtl)])
    await late('first', 90_000)
    expect(await store.sweep(now, 100)).toBe(2)
    await late('locked meanwhile', 500)
    await late('copied', 90_000)
    expect(await store.sweep(now + 30, 100)).toBe(2)
    expect(await exists(store, lease('copied'))).toBe(true)
    expect(await store.sweep(now + 6 * 3_600, 100)).toBe(2)
    expect(await exists(store, lease('copied'))).toBe(false)
    await admin.close()
  })

  test('FLT-11: whose server no longer says which history it has is refused, until its operator says that nothing was lost', async () => {
    await ask('CREATE ROLE plain LOGIN', 'GRANT CREATE ON DATABASE postgres TO plain')
    const address = (options?: string): string => running().address('silent', options).replace('gatehouse@', 'plain@')
    const close = async (opened: ReturnType<typeof openTestPostgres>): Promise<void> => (await opened).admin.close()
    const onMoved = async (): Promise<void> => expect.unreachable('fenced what may be whole')
    await close(openTestPostgres(address()))
    await ask('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC')
    try {
      await expect(openTestPostgres(address(), { onMoved })).rejects.toMatchObject({
        name: 'StoreRefused',
        message: expect.stringContaining("doesn't say which history it has") as string,
      })
      await close(openTestPostgres(address('standby=synchronous'), { onMoved }))
      // From here on there is nothing to compare with.
      await close(openTestPostgres(address(), { onMoved }))
    } finally {
      await ask('GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC')
    }
    await close(openTestPostgres(address(), { onMoved }))
    expect(await ask("SELECT value FROM silent.house WHERE name = 'origin'")).toHaveLength(1)
  })

  test('is found behind whichever of its hosts takes writes', async () => {
    const { port } = running()
    const { store, admin } = await openTestPostgres(
      `postgres://gatehouse@127.0.0.1:1,127.0.0.1:${port}/postgres?schema=hosts`,
    )
    expect(await store.commit([putLease('a', 'x', 'v1')])).toBe('committed')
    await admin.close()
  })

  test('FLT-13: three nodes that start together under load stay within their share of connections, and none is refused', async () => {
    const address = running().address('storm', 'connections=3')
    const nodes = await Promise.all([1, 2, 3].map(() => openTestPostgres(address)))
    let most = 0
    const over = new AbortController()
    const watching = (async () => {
      while (!over.signal.aborted) {
        const [row] = await ask(
          "SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'gatehouse'",
        )
        most = Math.max(most, Number(row?.['open']))
      }
    })()
    const outcomes = await Promise.all(
      nodes.flatMap(({ store }, node) =>
        Array.from({ length: 600 }, (_, index) =>
          index % 2 === 0 ? store.commit([event(`e-${node}-${index}`)]) : store.read([lease(`a-${index}`)]),
        ),
      ),
    )
    over.abort()
    await watching
    expect(outcomes.filter((outcome) => outcome === 'committed').length).toBe(900)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(9)
    for (const { admin } of nodes) await admin.close()
  })
})

const killOthers =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse' AND pid <> pg_backend_pid()"
