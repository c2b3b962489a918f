import type { DatabaseSync } from 'node:sqlite'
import { createApplyBatch } from './apply-batch.ts'
import { createCheckpointer } from './checkpoint.ts'
import type { Order, Reply } from './messages.ts'
import { createSweepStep } from './sweep-step.ts'
import { createTransaction, TransactionFailed } from './transaction.ts'
import { verdictOf, type Verdict } from './verdict.ts'

export type CarryOut = {
  readonly carryOut: (order: Exclude<Order, 'close'>) => Reply
  /** After the reply has left: copy the log if it has grown too long. Returns what must be told, if anything. */
  readonly afterwards: (order: Exclude<Order, 'close'>) => Reply | undefined
  /** In a quiet moment: copy the log if it is worth it. */
  readonly rest: () => Reply | undefined
}

/** Another process commits within a millisecond or two: worth a few short naps before the queue is told. */
const naps = 8
/** Operands of an operation, about. */
const operandsPerOperation = 6

/** The writer's work on its connection, with every outcome as a reply. */
export function createCarryOut(
  db: DatabaseSync,
  options: { readonly walBytes: number; readonly nap: () => void },
): CarryOut {
  const inTransaction = createTransaction(db)
  const applyBatch = createApplyBatch(db, inTransaction)
  const sweepStep = createSweepStep(db, inTransaction)
  const checkpointer = createCheckpointer(db, options.walBytes)

  function carryOut(order: Exclude<Order, 'close'>): Reply {
    for (let napped = 0; ; napped += 1) {
      try {
        if (!checkpointer.hasRoom())
          return { is: 'declined', why: 'somebody keeps reading an old snapshot, and the log is full' }
        return 'limit' in order ? sweepStep(order) : applyBatch(order)
      } catch (error) {
        const verdict = error instanceof TransactionFailed ? error.verdict : verdictOf(error, 'commit')
        if (verdict !== 'busy') return failure(error, verdict)
        if (napped === naps) return { is: 'busy' }
        options.nap()
      }
    }
  }

  /** Copying the log may fail and wait, unless it fails in a way that says the disk can't be trusted. */
  function unlessFatal(work: () => void): Reply | undefined {
    try {
      work()
      return undefined
    } catch (error) {
      const reply = failure(error, verdictOf(error, 'unit'))
      return reply.is === 'fatal' ? reply : undefined
    }
  }

  return {
    carryOut,
    afterwards: (order) =>
      unlessFatal(() => checkpointer.worked('limit' in order ? order.limit : order.length / operandsPerOperation)),
    rest: () => unlessFatal(checkpointer.rest),
  }
}

function failure(error: unknown, verdict: Verdict): Reply {
  if (verdict === 'full') return { is: 'declined', why: 'the disk is full' }
  const why = error instanceof Error ? error.message : String(error)
  return { is: verdict === 'fatal' || verdict === 'corrupt' ? 'fatal' : 'declined', why }
}
