import { DeleteItemCommand, UpdateItemCommand, type TransactWriteItem } from '@aws-sdk/client-dynamodb'
import type { Kind, Ref } from '../../domain/record.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import type { Changes } from '../port.ts'
import { feedPartition, keyAt, keyIn, type Item } from './items.ts'
import { queryItems } from './query-items.ts'
import type { TableContext } from './table-context.ts'

/**
 * What caches must forget, numbered without gaps: a commit takes the next number by the condition that nobody has it yet,
 * so no line can appear behind somebody's cursor, whatever the clocks say.
 */
export type Feed = {
  /** Run a commit that appends lines, one after the other in this process, with the first number that is free. */
  readonly inTurn: <T>(commit: (first: number) => Promise<T>) => Promise<T>
  /** The number was free and is taken, or was taken by somebody else (undefined). */
  readonly learn: (newest: number | undefined) => void
  /** `within`: under the deadline of whoever asks. */
  readonly since: (cursor: string | undefined, within?: TableContext) => Promise<Changes>
  readonly sweep: (now: EpochSeconds) => Promise<void>
}

export type Line = { readonly forget: Ref; readonly expiresAt: EpochSeconds | null }

const digits = 16
const linesPerSweep = 100

export function createFeed(context: TableContext): Feed {
  const { client, table, call } = context
  let newest: number | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function newestNumber(within: TableContext): Promise<number> {
    const [line] = await queryItems(within, { partition: feedPartition, limit: 1, newestFirst: true })
    return line === undefined ? 0 : numberOf(line)
  }

  async function since(cursor: string | undefined, within = context): Promise<Changes> {
    if (cursor === undefined) return { cursor: String(await newestNumber(within)), forget: [] }
    const from = Number(cursor)
    const lines = await queryItems(within, { partition: feedPartition, from: spell(from) })
    const last = lines.at(-1)
    const lost = async (): Promise<Changes> => ({
      cursor: String(last === undefined ? await newestNumber(within) : numberOf(last)),
      forget: 'lost',
    })
    if (last === undefined) return from === 0 ? { cursor, forget: [] } : lost()
    const news = lines.filter((line) => numberOf(line) > from)
    // The newest line outlives its end as an empty one, so that the numbers go on.
    if (news.some((line, index) => numberOf(line) !== from + index + 1 || line['k'] === undefined)) return lost()
    return { cursor: String(numberOf(last)), forget: news.map(refIn) }
  }

  async function sweep(now: EpochSeconds): Promise<void> {
    const lines = await queryItems(context, { partition: feedPartition, limit: linesPerSweep })
    for (const [index, line] of lines.entries()) {
      const expiresAt = Number(line['x']?.N ?? Infinity)
      if (line['k'] !== undefined && expiresAt >= now) return
      const follower = lines[index + 1]
      if (follower !== undefined) await remove(line)
      else if (lines.length < linesPerSweep && line['k'] !== undefined) await empty(line)
    }
  }

  async function remove(line: Item): Promise<void> {
    const command = new DeleteItemCommand({ TableName: table, Key: keyIn(line) })
    await call((abortSignal) => client.send(command, { abortSignal }))
  }

  async function empty(line: Item): Promise<void> {
    const command = new UpdateItemCommand({ TableName: table, Key: keyIn(line), UpdateExpression: 'REMOVE k, i' })
    await call((abortSignal) => client.send(command, { abortSignal }))
  }

  return {
    inTurn(commit) {
      const mine = turn.then(async () => commit((newest ??= await newestNumber(context)) + 1))
      turn = mine.catch(() => undefined)
      return mine
    },
    learn: (known) => (newest = known),
    since,
    sweep,
  }
}

/** Takes the number, or fails the transaction because somebody else has. */
export function linePut(table: string, number: number, { forget, expiresAt }: Line): TransactWriteItem {
  return {
    Put: {
      TableName: table,
      Item: {
        ...keyAt(feedPartition, spell(number)),
        k: { S: forget.kind },
        i: { S: forget.id },
        ...(expiresAt !== null && { x: { N: String(expiresAt) } }),
      },
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  }
}

const spell = (number: number): string => String(number).padStart(digits, '0')
const numberOf = (line: Item): number => Number(line['sk']?.S)
const refIn = (line: Item): Ref => ({ kind: (line['k']?.S ?? '') as Kind, id: line['i']?.S ?? '' })
