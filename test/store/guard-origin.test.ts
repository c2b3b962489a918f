import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from '../../src/store/port.ts'
import type { Connection, Inspect } from '../../src/store/postgres/connection.ts'
import { guardOrigin } from '../../src/store/postgres/guard-origin.ts'

/** A database of which only its history counts: `now` is its own (undefined: it doesn't say), `served` what stands in its tables. */
function database(now: string | undefined, served: string | undefined) {
  const state = { now, served, leaps: 0, open: 0, cut: false }
  let locked = Promise.resolve()

  function answer(
    text: string,
    held: { release?: () => void; patient?: boolean },
  ): readonly unknown[][] | Promise<readonly unknown[][]> {
    if (state.cut) throw new Error('ECONNRESET')
    if (text.includes('pg_control_system')) {
      if (state.now === undefined) throw Object.assign(new pg.DatabaseError('denied', 0, 'error'), { code: '42501' })
      const [system, timeline] = state.now.split('/')
      return [[system, Number(timeline).toString(16).padStart(8, '0')]]
    }
    if (text.startsWith('SELECT value')) return state.served === undefined ? [] : [[state.served]]
    if (text.startsWith('SET lock_timeout = 60000')) held.patient = true
    else if (text.includes('pg_advisory_lock')) {
      // As the server does where nobody asked for more patience.
      if (held.patient !== true) throw Object.assign(new pg.DatabaseError('lock', 0, 'error'), { code: '55P03' })
      const before = locked
      locked = new Promise((resolve) => (held.release = resolve))
      return before.then(() => [])
    } else if (text.includes('.feed SET')) state.leaps += 1
    else if (text.startsWith('DELETE')) state.served = undefined
    else if (text.startsWith('UPDATE')) state.served = /'(\w+\/\d+)'/.exec(text)?.[1]
    else if (/^INSERT.*DO NOTHING$/.test(text)) state.served ??= /'(\w+\/\d+)'\)/.exec(text)?.[1]
    else throw new Error(`unexpected: ${text}`)
    return []
  }

  async function connect(_patience: 'request' | 'patient', inspect?: Inspect): Promise<Connection> {
    state.open += 1
    const held: { release?: () => void; patient?: boolean } = {}
    const connection: Connection = {
      query: async (statement) => {
        const rows = await answer(typeof statement === 'string' ? statement : statement.text, held)
        return { rows, command: '', count: rows.length }
      },
      broken: () => false,
      close: () => {
        state.open -= 1
        held.release?.()
      },
    }
    try {
      await inspect?.(connection)
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }
  return { state, connect }
}

type Database = ReturnType<typeof database>

/** A process that uses it: what it did. */
function processOn({ connect }: Database, options: { onMoved?: () => Promise<void>; losesNothing?: boolean } = {}) {
  const did: string[] = []
  const guarded = guardOrigin({
    connect,
    migrate: async () => void did.push('migrated'),
    schema: 'house',
    place: 'here',
    losesNothing: options.losesNothing ?? false,
    openBare: async () => ({ admin: { close: async () => did.push('closed') } }) as unknown as OpenStore,
    onMoved:
      'onMoved' in options && options.onMoved === undefined
        ? undefined
        : async () => {
            did.push('fencing')
            await options.onMoved?.()
            did.push('fenced')
          },
    onNewOrigin: () => did.push('forgot'),
  })
  return { ...guarded, did }
}

describe('FLT-11: whoever connects looks at the history of the database first', () => {
  test('where it is the one that was served, nothing happens', async () => {
    const db = database('s/1', 's/1')
    const { connect, did } = processOn(db)
    await connect('request')
    expect([did, db.state.open, db.state.leaps]).toEqual([[], 1, 0])
  })

  test('where it is another one, the store is fenced once, and nobody has a connection before', async () => {
    const db = database('s/2', 's/1')
    const done: string[] = []
    const { connect, did } = processOn(db, { onMoved: () => pause(5) })
    const connections = await Promise.all(
      [1, 2, 3].map(() => connect('request').then((one) => (done.push(...did.slice(-1)), one))),
    )
    expect(did).toEqual(['fencing', 'fenced', 'closed'])
    expect(done).toEqual(['closed', 'closed', 'closed'])
    // What was looked at or fenced with is closed.
    expect([db.state.served, db.state.leaps, db.state.open]).toEqual(['s/2', 1, connections.length])
  })

  test('of two processes one fences, and the other waits for it', async () => {
    const db = database('s/2', 's/1')
    const [one, other] = [processOn(db, { onMoved: () => pause(10) }), processOn(db, { onMoved: () => pause(10) })]
    await Promise.all([one.connect('request'), other.connect('request')])
    expect([...one.did, ...other.did]).toEqual(['fencing', 'fenced', 'closed'])
    expect(db.state.leaps).toBe(1)
  })

  test('a process that finds it fenced by another one forgets what it remembered', async () => {
    const db = database('s/1', 's/1')
    const { connect, did } = processOn(db)
    await connect('request')
    Object.assign(db.state, { now: 's/2', served: 's/2' })
    await connect('request')
    await connect('request')
    expect(did).toEqual(['forgot'])
  })

  test('where whoever is promoted loses nothing, it is written down and not fenced', async () => {
    const db = database('s/2', 's/1')
    const { connect, did } = processOn(db, { losesNothing: true })
    await connect('request')
    expect([did, db.state.served, db.state.leaps]).toEqual([[], 's/2', 1])
  })

  test('who can’t fence has no connection, and leaves it to others', async () => {
    const db = database('s/2', 's/1')
    const options: { onMoved?: () => Promise<void> } = {}
    Object.assign(options, { onMoved: undefined })
    await expect(processOn(db, options).connect('request')).rejects.toMatchObject({ name: 'StoreRefused' })
    expect([db.state.served, db.state.leaps, db.state.open]).toEqual(['s/1', 0, 0])
    await processOn(db).connect('request')
    expect(db.state.served).toBe('s/2')
  })

  test('a fence that failed is begun again by the next one', async () => {
    const db = database('s/2', 's/1')
    let times = 0
    const { connect } = processOn(db, {
      onMoved: async () => {
        times += 1
        if (times === 1) throw new Error('the network')
      },
    })
    await expect(connect('request')).rejects.toThrow(/the network/)
    expect([db.state.served, db.state.open]).toEqual(['s/1', 0])
    await connect('request')
    expect([times, db.state.served, db.state.open]).toEqual([2, 's/2', 1])
  })

  test('a database that moves again meanwhile is given to nobody', async () => {
    const db = database('s/2', 's/1')
    let timeline = 2
    const { connect } = processOn(db, { onMoved: async () => void (db.state.now = `s/${(timeline += 1)}`) })
    await expect(connect('request')).rejects.toMatchObject({ verdict: 'none', message: /moves again and again/ })
    expect(db.state.open).toBe(0)
  })

  test('an old primary that comes back is passed over by who knows the new one; another system is another history', async () => {
    const db = database('s/2', 's/2')
    const { connect, did } = processOn(db)
    await connect('request')
    Object.assign(db.state, { now: 's/1', served: 's/1' })
    await expect(connect('request')).rejects.toMatchObject({ verdict: 'none', message: /an older history/ })
    Object.assign(db.state, { now: 't/1', served: 's/2' })
    await connect('request')
    expect([did, db.state.served]).toEqual([['fencing', 'fenced', 'closed', 'forgot'], 't/1'])
  })

  test('a database that doesn’t say is refused where another one did, until its operator says that nothing was lost', async () => {
    const db = database(undefined, 's/1')
    await expect(processOn(db).connect('request')).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /doesn't say which history/,
    })
    expect([db.state.served, db.state.open]).toEqual(['s/1', 0])
    await processOn(db, { losesNothing: true }).connect('request')
    expect(db.state.served).toBeUndefined()
    const { connect, did } = processOn(db)
    await connect('request')
    expect(did).toEqual([])
  })

  test('a failure to look isn’t taken for silence', async () => {
    const db = database('s/1', 's/1')
    db.state.cut = true
    await expect(processOn(db, { losesNothing: true }).connect('request')).rejects.toThrow(/ECONNRESET/)
    expect(db.state.served).toBe('s/1')
  })

  test('what is made begins with the history that it is made on, and keeps the one that it has', async () => {
    for (const [before, after] of [
      [undefined, 's/2'],
      ['s/1', 's/1'],
    ]) {
      const db = database('s/2', before)
      const { migrate, did } = processOn(db)
      await migrate(await db.connect('patient'), true)
      expect([did, db.state.served]).toEqual([['migrated'], after])
    }
  })
})
