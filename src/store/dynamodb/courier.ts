import { BatchWriteItemCommand, UpdateItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import { LRUCache } from 'lru-cache'
import { setTimeout as pause } from 'node:timers/promises'
import type { Version } from '../../domain/record.ts'
import { eventItem, spelled, type Carried, type Key } from './items.ts'
import type { TableContext } from './table-context.ts'

/**
 * Brings events from the records that carry them to their buckets, after the answer: they are durable where they are.
 * Delivering twice does no harm, so everybody may who sees one.
 */
export type Courier = {
  /** A commit is over: this is what the record at `carrier` holds in that version. */
  readonly collect: (round: Round) => void
  /** A record was read that carries these in that version. */
  readonly saw: (carrier: Key, version: Version, carried: readonly Carried[]) => void
  /** What this version of the record carries that isn't known to stand in its bucket; undefined: what it carries isn't known here. */
  readonly undelivered: (carrier: Key, version: Version) => readonly Carried[] | undefined
  /** An event that isn't in its bucket yet, though its commit was answered. */
  readonly travelling: (eventId: string) => Carried | undefined
  /** The outcome of its commit was never learned; if it happened, the event is there or in its bucket. */
  readonly doubt: (eventId: string, carrier: Key) => void
  readonly carrierOf: (eventId: string) => Key | undefined
  /** So much waits that commits had better take their events to the bucket themselves. */
  readonly overloaded: () => boolean
  /** Take nothing more; resolves when everything is delivered, or after a while: then the rest stays where it travels. */
  readonly close: () => Promise<void>
}

type Round = {
  readonly carrier: Key
  readonly version: Version
  readonly carried: readonly Carried[]
  /** It grew by what another node had put there: take everything out afterwards, so that it doesn't grow on. */
  readonly clear: boolean
}

/** DynamoDB's own bound for one call. */
const eventsPerCall = 25
const callsAtOnce = 4
const mostWaiting = 20_000
const mostRemembered = 20_000
const pauseMillis = 100
const closingMillis = 5_000

export function createCourier(context: TableContext): Courier {
  const { client, table, call } = context
  const travelling = new Map<string, Carried>()
  /** Ids of events that stand in their buckets by our hand. */
  const home = new LRUCache<string, true>({ max: mostRemembered })
  const held = new LRUCache<string, Pick<Round, 'version' | 'carried'>>({ max: mostRemembered })
  const doubted = new LRUCache<string, Key>({ max: mostRemembered })
  let waiting: Round[] = []
  let walking = 0
  let idle: (() => void) | undefined
  let ended = false

  function walk(): void {
    while (walking < callsAtOnce && waiting.length > 0) {
      walking += 1
      const rounds = takeRounds()
      void bring(rounds)
    }
  }

  async function bring(rounds: readonly Round[]): Promise<void> {
    await deliver(rounds)
    walking -= 1
    if (walking === 0 && waiting.length === 0) idle?.()
    walk()
  }

  /** As many as fit into one call; at least one. */
  function takeRounds(): readonly Round[] {
    let events = 0
    let count = 0
    for (const round of waiting) {
      events += round.carried.length
      if (count > 0 && events > eventsPerCall) break
      count += 1
    }
    const taken = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return taken
  }

  async function deliver(rounds: readonly Round[]): Promise<void> {
    const events = rounds.flatMap(({ carried }) => carried)
    for (let index = 0; index < events.length; index += eventsPerCall) {
      await untilDone(() => writeSome(events.slice(index, index + eventsPerCall)))
    }
    if (ended) return
    for (const { id } of events) {
      travelling.delete(id)
      home.set(id, true)
    }
    for (const { carrier, version } of rounds) {
      // What is home needn't be remembered as text.
      const left = undelivered(carrier, version)
      if (left !== undefined) held.set(spelled(carrier), { version, carried: left })
    }
    await Promise.all(rounds.filter(({ clear }) => clear).map(clearOne))
  }

  function undelivered(carrier: Key, version: Version): readonly Carried[] | undefined {
    const found = held.get(spelled(carrier))
    return found?.version === version ? found.carried.filter(({ id }) => !home.has(id)) : undefined
  }

  async function untilDone(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work()
      } catch {
        // Nothing is lost meanwhile: the events are where they travel.
        await pause(pauseMillis)
      }
      if (ended) return
    }
  }

  async function writeSome(events: readonly Carried[]): Promise<void> {
    const unique = [...new Map(events.map((event) => [event.id, event])).values()]
    let requests = unique.map((event) => ({ PutRequest: { Item: { ...eventItem(event) } } }))
    await call(async (abortSignal) => {
      const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }), {
        abortSignal,
      })
      const left = new Set(
        (answer.UnprocessedItems?.[table] ?? []).map(({ PutRequest }) => PutRequest?.Item?.['sk']?.S),
      )
      requests = requests.filter(({ PutRequest }) => left.has(stringIn(PutRequest.Item['sk'])))
      if (requests.length > 0) throw new Error('a part of the events was not processed')
    })
  }

  /** Only what grew beyond its own events is worth a write of its own; the rest goes with the record's next write. */
  async function clearOne({ carrier, version }: Round): Promise<void> {
    try {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: carrier,
        UpdateExpression: 'REMOVE #ob',
        ConditionExpression: '#v = :v',
        ExpressionAttributeNames: { '#ob': 'ob', '#v': 'v' },
        ExpressionAttributeValues: { ':v': { S: version } },
      })
      await call((abortSignal) => client.send(command, { abortSignal }))
    } catch {
      // Somebody wrote the record anew, or the table is busy: whoever writes next sees what it carries.
    }
  }

  return {
    collect(round) {
      const { carrier, version } = round
      // A record that is written again before its events are home brings each of them once all the same.
      const carried = round.carried.filter(({ id }) => !travelling.has(id) && !home.has(id))
      held.set(spelled(carrier), { version, carried: round.carried })
      if (carried.length === 0) return
      for (const event of carried) travelling.set(event.id, event)
      waiting.push({ ...round, carried })
      walk()
    },
    saw: (carrier, version, carried) => void held.set(spelled(carrier), { version, carried }),
    undelivered,
    travelling: (eventId) => travelling.get(eventId),
    doubt: (eventId, carrier) => doubted.set(eventId, carrier),
    carrierOf: (eventId) => doubted.get(eventId),
    overloaded: () => waiting.length >= mostWaiting,
    async close() {
      if (walking > 0 || waiting.length > 0) {
        const done = new Promise<void>((resolve) => (idle = resolve))
        await Promise.race([done, pause(closingMillis, undefined, { ref: false })])
      }
      ended = true
    },
  }
}

const stringIn = (value: AttributeValue | undefined): string | undefined => value?.S
