import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { createApplyBatch } from './apply-batch.ts'
import { createCheckpointer } from './checkpoint.ts'
import { openConnection } from './connection.ts'
import { findDamage } from './find-damage.ts'
import type { Order, Reply, WriterOrders } from './messages.ts'
import { createSweepStep } from './sweep-step.ts'
import { createTransaction, TransactionFailed } from './transaction.ts'
import { verdictOf } from './verdict.ts'

// The one thread of this process that writes: neither an fsync nor a foreign lock stops the event loop of the others.
// It has no event loop of its own: it sleeps on a counter and takes its orders one by one, which halves the cost of waking it.

/** Another process commits within a millisecond or two: worth a few short naps before the queue is told. */
const naps = 8
const longestNapMillis = 1
const quietMillis = 20

const { path, quickCheck, walBytes, pages, seed, bell } = workerData as WriterOrders
const napping = new Int32Array(new SharedArrayBuffer(4))
let chance = seed
/** After a fatal error not even closing is allowed: it would copy the log, and with it what may not be on the disk. */
let dead = false

const db = openConnection(path, { readOnly: false })
db.exec(`PRAGMA max_page_count = ${pages}`)
const inTransaction = createTransaction(db)
const applyBatch = createApplyBatch(db, inTransaction)
const sweepStep = createSweepStep(db, inTransaction)
const checkpointer = createCheckpointer(db, walBytes)

const damage = quickCheck ? findDamage(db, 'quick') : []
reply(damage.length > 0 ? { is: 'refused', why: damage.join('; ') } : { is: 'ready' })
takeOrders()
if (!dead) db.close()
reply({ is: 'closed' })

function takeOrders(): void {
  let rested = false
  for (let rung = 0; ; rung = Atomics.load(bell, 0)) {
    for (let order = nextOrder(); order !== undefined; order = nextOrder()) {
      if (order === 'close') return
      rested = false
      const answer = dead ? ({ is: 'declined', why: 'its writer died' } as const) : carryOut(order)
      reply(answer)
      if (answer.is !== 'busy') guarded(() => checkpointer.worked('limit' in order ? order.limit : order.length / 6))
    }
    const woken: string = Atomics.wait(bell, 0, rung, rested ? Infinity : quietMillis)
    if (woken === 'timed-out') guarded(checkpointer.rest)
    rested = woken === 'timed-out'
  }
}

function nextOrder(): Order | undefined {
  const received: { readonly message: Order } | undefined =
    parentPort === null ? undefined : receiveMessageOnPort(parentPort)
  return received?.message
}

function carryOut(order: Exclude<Order, 'close'>): Reply {
  for (let nap = 0; ; nap += 1) {
    try {
      if (!checkpointer.hasRoom())
        return { is: 'declined', why: 'another process keeps reading an old snapshot, and the log is full' }
      return 'limit' in order ? sweepStep(order) : applyBatch(order)
    } catch (error) {
      const verdict = error instanceof TransactionFailed ? error.verdict : verdictOf(error, 'commit')
      if (verdict === 'busy' && nap < naps) takeNap()
      else if (verdict === 'busy') return { is: 'busy' }
      else if (verdict === 'full') return { is: 'declined', why: 'the disk is full' }
      else if (verdict === 'fatal' || verdict === 'corrupt') return { is: 'fatal', why: wordsOf(error) }
      else return { is: 'declined', why: wordsOf(error) }
    }
  }
}

/** Sleep up to a millisecond, never in step with another process. */
function takeNap(): void {
  chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0
  Atomics.wait(napping, 0, 0, (longestNapMillis * chance) / 0x1_0000_0000)
}

/** Copying the log may wait, unless it broke in a way that says the disk can't be trusted. */
function guarded(work: () => void): void {
  if (dead) return
  try {
    work()
  } catch (error) {
    const verdict = verdictOf(error, 'unit')
    if (verdict === 'fatal' || verdict === 'corrupt') reply({ is: 'fatal', why: wordsOf(error) })
  }
}

function reply(answer: Reply): void {
  if (answer.is === 'fatal') dead = true
  parentPort?.postMessage(answer)
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
