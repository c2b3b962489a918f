import { describe, expect, test } from 'vitest'
import {
  bindConnection,
  codeAttempts,
  completeConnection,
  confirmConnection,
  denyConnection,
  endConnection,
  endUnbegun,
  reconnect,
  type ConnectionStart,
} from '../../src/domain/connect.ts'
import type { Connection, HeldConnection } from '../../src/domain/connection.ts'
import type { NewRevocation } from '../../src/domain/give-back-errand.ts'
import { withEdition } from '../../src/domain/edition.ts'
import type { Instance } from '../../src/domain/instance.ts'
import { recallsOf, type Recall } from '../../src/domain/recall.ts'
import { append, put, type Decision, type Slot } from '../../src/domain/record.ts'

const now = 1_795_000_000

const start: ConnectionStart = {
  connectionId: 'c',
  handleHash: 'hash',
  provider: 'etsy',
  scope: ['shops_r'],
  owner: { kind: 'handle' },
  address: '198.51.100.7',
  startedAt: now - 60,
}

const newRevocation = (id: string): NewRevocation => ({
  id,
  wrap: (sealed) => ({ sealed: `${sealed} for ${id}`, wrapped: true }),
})
const event = append('e', { v: 1, type: 'connection.made', at: now })
const obtained = {
  account: '1',
  scope: [],
  sealed: 'sealed',
  keyId: 'key',
  edition: 1,
  refreshable: true,
  issuedAt: now,
  errand: newRevocation('unless confirmed'),
  userId: undefined,
}
const ending = { now, event, errand: newRevocation('errand') }

const slot = (value?: Connection): Slot<'connection'> => ({ kind: 'connection', id: 'c', version: 'v', value })

const served = (count: number): Slot<'instance'> => {
  const recalls = { etsy: { count, at: now, actor: 'cli' } }
  const value: Instance = { v: 1, instanceId: 'i', generation: 0, epoch: 0, highWaterAt: now, createdAt: 0, recalls }
  return { kind: 'instance', id: 'self', version: 'w', value }
}

const written = (decision: Decision<unknown>): Connection | undefined => {
  const [write] = decision.writes
  return write?.op === 'put' ? (write.value as Connection) : undefined
}

const bind = (value: Connection | undefined, right: boolean, browserHash = 'mine') =>
  bindConnection(slot(value), start, { right, browserHash, now })

const bound = written(bind(undefined, true))!
const complete = (value: Connection | undefined, browserHash: string | undefined, more = {}) =>
  completeConnection(
    { connection: slot(value), instance: served(0) },
    { browserHash, obtained: { ...obtained, ...more }, event, now },
  )
const held = written(complete(bound, 'mine'))!

describe('the first browser that says the right thing', () => {
  test('has it, and may say it again; no other may', () => {
    expect(bound).toMatchObject({ state: 'pending', browserHash: 'mine', endsAt: start.startedAt + 600 })
    expect(bind(bound, true).result).toBe('bound')
    expect(bind(bound, true, 'another')).toEqual({ writes: [], result: 'ended' })
  })

  test('wrong codes are counted whoever sends them, and the fifth ends it', () => {
    let value: Connection | undefined
    for (let tries = 1; tries < codeAttempts; tries += 1) {
      const decision = bind(value, false, `browser ${tries}`)
      expect(decision.result).toBe('wrong')
      value = written(decision)
    }
    const last = bind(value, false)
    expect([last.result, written(last)?.state]).toEqual(['ended', 'denied'])
    expect(bind(written(last), true).result).toBe('ended')
  })

  test('nothing begins anew on what is there already', () => {
    for (const value of [held, written(endConnection(slot(held), ending))])
      expect(bind(value, true)).toEqual({ writes: [], result: 'ended' })
  })
})

describe('what comes back from the provider', () => {
  test('L04, L07: is kept in that browser alone', () => {
    for (const browserHash of ['another', undefined])
      expect(complete(bound, browserHash)).toEqual({ writes: [], result: undefined })
    const unbound = written(bind(undefined, false))
    expect(complete(unbound, undefined)).toEqual({ writes: [], result: undefined })
    expect(held).toMatchObject({ state: 'active', handleHash: 'hash' })
  })

  test('L11: is kept once', () => {
    for (const value of [held, undefined, written(denyConnection(slot(bound), event, now))])
      expect(complete(value, 'mine')).toEqual({ writes: [], result: undefined })
  })
})

describe('L23: what a renewal brings', () => {
  const pending = { ...bound, renews: 't' } as Connection
  const renew = (target: Partial<HeldConnection>, account = '1') =>
    reconnect(
      {
        connection: slot(pending),
        instance: served(0),
        target: { ...slot({ ...held, ...target } as HeldConnection), id: 't' },
        edition: { kind: 'edition', id: 't', version: null, value: undefined },
      },
      {
        browserHash: 'mine',
        obtain: (edition) => ({ ...obtained, account, edition }),
        events: { made: event, denied: event },
        now,
      },
    )
  const renewed = ({ writes }: Decision<unknown>) => writes.some((write) => write.op === 'put' && write.id === 't')

  test('is kept for the same account of the same owner at the same provider, as a later edition', () => {
    const decision = renew({ edition: 4 })
    expect([decision.result?.sameAccount, written(decision)]).toMatchObject([true, { edition: 5, state: 'active' }])
    expect(renewed(decision)).toBe(true)
  })

  test('and for nobody else: neither another owner, nor another provider, nor one who can’t be told from another', () => {
    for (const target of [
      { owner: { kind: 'user', userId: 'usr_1' } },
      { provider: 'github' },
      { state: 'revoked' as never },
    ] satisfies Partial<HeldConnection>[])
      expect(renew(target)).toEqual({ writes: [], result: undefined })
    for (const decision of [renew({}, '2'), renew({ account: '' }, '')])
      expect([decision.result?.sameAccount, renewed(decision)]).toEqual([false, false])
  })
})

describe('the end of a start that nobody followed', () => {
  const end = (at: number, value?: Connection) => endUnbegun(slot(value), { hash: 'hash', startedAt: now }, at)

  test('is written as long as it could come to something, and dies with it', () => {
    expect([end(now + 599).result, written(end(now + 599))]).toMatchObject([
      true,
      { state: 'denied', endsAt: now + 600 },
    ])
    for (const nothing of [end(now + 600), end(now, bound)]) expect(nothing).toEqual({ writes: [], result: false })
  })
})

describe('L25: what was started before a recall', () => {
  const done = { browserHash: 'mine', obtained, event, now }
  const startedAfter = (recallsBefore: number) =>
    written(bindConnection(slot(), { ...start, recallsBefore }, { right: true, browserHash: 'mine', now }))

  test.each([
    [0, 0, true],
    [0, 1, false],
    [1, 1, true],
    [1, 2, false],
    // A node that hasn't heard of a recall gives a smaller number, never a larger one; clocks have no say.
    [2, 1, true],
  ])('after %i, with %i when it is finished', (before, count, kept) => {
    const slots = { connection: slot(startedAfter(before)), instance: served(count) }
    const decision = completeConnection(slots, done)
    expect(decision.result !== undefined).toBe(kept)
    // A recall in between is a conflict, and judged anew.
    if (kept) expect(decision.writes).toContainEqual({ op: 'check', kind: 'instance', id: 'self', expect: 'w' })
    else expect(decision.writes).toEqual([])
  })

  test('that stands without its number: nothing that knows of none is kept, and the next is the second', () => {
    const slots = { connection: slot(startedAfter(0)), instance: served(0) }
    const uncounted = { ...slots.instance.value!, recalls: { etsy: { at: now, actor: 'cli' } as Recall } }
    const decision = completeConnection({ ...slots, instance: { ...slots.instance, value: uncounted } }, done)
    expect(decision).toEqual({ writes: [], result: undefined })
    expect([recallsOf(uncounted, 'etsy'), recallsOf(uncounted, 'github')]).toEqual([1, 0])
  })

  test('where nobody knows which there were, nothing is kept', () => {
    const slots = { connection: slot(startedAfter(0)), instance: { ...served(0), value: undefined } }
    expect(completeConnection(slots, done)).toEqual({ writes: [], result: undefined })
  })
})

describe('the code of the last page', () => {
  const confirmation = { mac: 'mac', keyId: 'key', attempts: 0, until: now + 540 }
  const confirm = (value: Connection | undefined, right: boolean) =>
    confirmConnection(slot(value), { right, now, end: ending })
  const unconfirmed = written(complete(bound, 'mine', { confirmation }))

  test('opens it for good', () => {
    const decision = confirm(unconfirmed, true)
    expect([decision.result, written(decision)]).toEqual(['confirmed', expect.not.objectContaining({ confirmation })])
    expect(confirm(held, false).result).toBe('confirmed')
  })

  test('wrong five times ends it, and gives the tokens back', () => {
    let value = unconfirmed
    for (let tries = 1; tries < codeAttempts; tries += 1) value = written(confirm(value, false))
    const last = confirm(value, false)
    expect([last.result, written(last)?.state]).toEqual(['ended', 'revoked'])
    expect(last.writes).toContainEqual(expect.objectContaining({ kind: 'revocation', id: 'errand' }))
    expect(confirm(written(last), true).result).toBe('ended')
  })
})

describe('L19: the latest edition, apart from the connection', () => {
  const beside = (edition: number | undefined, decision: Decision<unknown>) => {
    const value = edition === undefined ? undefined : { v: 1 as const, edition }
    const { writes } = withEdition({ kind: 'edition', id: 'c', version: 'e', value }, decision, now)
    const left = (kind: string) => writes.filter((write) => write.op === 'put' && write.kind === kind)
    return { connection: left('connection'), edition: left('edition') }
  }
  const end = (owner: HeldConnection['owner'] = { kind: 'handle' }) =>
    endConnection(slot({ ...(held as HeldConnection), owner }), ending)

  test('is written with the commit that makes a later one, and never goes back', () => {
    const renewed = { writes: [put(slot(held), { ...(held as HeldConnection), edition: 2 }, { expiresAt: null })] }
    for (const before of [undefined, 1])
      expect(beside(before, { ...renewed, result: 'kept' }).edition).toMatchObject([
        { value: { v: 1, edition: 2 }, owners: [] },
      ])
    for (const latest of [2, 7])
      expect(beside(latest, { ...renewed, result: 'kept' })).toEqual({ connection: renewed.writes, edition: [] })
  })

  test.each([
    [undefined, 2],
    [1, 2],
    [2, 3],
    [7, 8],
  ])('of an end is later than all that there was: %s, then %s', (before, after) => {
    const left = beside(before, end())
    expect(left.edition).toMatchObject([{ value: { v: 1, edition: after } }])
    expect(left.connection).toMatchObject([{ value: { state: 'revoked', edition: after } }])
  })

  test('stands in the list of the account that it goes with', () =>
    expect(beside(undefined, end({ kind: 'user', userId: 'usr_1' })).edition).toMatchObject([{ owners: ['usr_1'] }]))
})

describe('an end', () => {
  test('takes the tokens out of the record, leaves an errand, and happens once', () => {
    const ended = endConnection(slot(held), ending)
    // L19: an end is an edition, so that none before it is the newest again.
    expect(written(ended)).toMatchObject({ state: 'revoked', edition: obtained.edition + 1 })
    expect(written(ended)).not.toHaveProperty('sealed')
    expect(ended.writes.map((write) => (write.op === 'append' ? 'event' : write.kind))).toEqual([
      'connection',
      'event',
      'revocation',
    ])
    // What needs its person anew may still hold an access token that works; what a restore emptied holds nothing.
    const broken: HeldConnection = { ...(held as HeldConnection), state: 'needs_reauth', reason: 'invalid_grant' }
    const { sealed, edition } = broken
    expect(endConnection(slot(broken), ending).writes[2]).toMatchObject({
      kind: 'revocation',
      value: { sealed: `${sealed} for errand`, wrapped: true, edition },
    })
    const emptied: HeldConnection = { ...broken, reason: 'restored', sealed: '' }
    expect(endConnection(slot(emptied), ending).writes).toHaveLength(2)
    expect(endConnection(slot(written(ended)), ending)).toEqual({ writes: [], result: false })
    expect(endConnection(slot(), ending).result).toBe(false)
  })
})
