import {
  ConditionalCheckFailedException,
  InternalServerError,
  TransactionCanceledException,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { createDeadline } from '../../src/store/dynamodb/call.ts'
import type { TableContext } from '../../src/store/dynamodb/table-context.ts'
import { verdictOf } from '../../src/store/dynamodb/verdict.ts'

type Command = { readonly input: object }

export type Scripted = TableContext & {
  /** The input of each command of this kind, in the order in which they were sent. */
  readonly sent: <Input extends object>(kind: abstract new (input: Input) => object) => readonly Input[]
  readonly count: () => number
}

/** A table that answers as a test says: DynamoDB Local is never behind, never throttles and leaves nothing over. */
export function scriptedDynamodb(
  answer: (command: Command, turn: number) => object,
  clock = { monotonic: () => performance.now() },
): Scripted {
  const commands: Command[] = []
  const client = {
    send: (command: Command) => {
      commands.push(command)
      return new Promise<object>((resolve) => resolve(answer(command, commands.length)))
    },
  } as unknown as DynamoDBClient
  const deadline = createDeadline({ clock, random: { stamp: () => 'always the same' }, verdictOf })
  return {
    client,
    table: 'table',
    call: (attempt) => deadline()(attempt),
    eventTtl: 90 * 86_400,
    // The kind says what its input is.
    sent: (kind) => commands.filter((command) => command instanceof kind).map(({ input }) => input as never),
    count: () => commands.length,
  }
}

const words = { message: 'as scripted', $metadata: { httpStatusCode: 400 } }

/** The condition wasn't met; there stands this. */
export function unmet(Item: Record<string, AttributeValue> = {}): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({ ...words, Item })
}

/** It may have happened. */
export function lostAnswer(): InternalServerError {
  return new InternalServerError({ ...words, $metadata: { httpStatusCode: 500 } })
}

/** A transaction that didn't happen, with a reason for each of its items. */
export function cancelled(...codes: readonly string[]): TransactionCanceledException {
  return new TransactionCanceledException({ ...words, CancellationReasons: codes.map((Code) => ({ Code })) })
}
