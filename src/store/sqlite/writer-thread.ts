import { parentPort, workerData } from 'node:worker_threads'
import { createApplyBatch } from './apply-batch.ts'
import { createCheckpointer } from './checkpoint.ts'
import { openConnection } from './connection.ts'
import { findDamage } from './find-damage.ts'
import type { Order, Reply, WriterOrders } from './messages.ts'
import { createSweepStep } from './sweep-step.ts'
import { verdictOf } from './verdict.ts'

/** The one thread of this process that writes: neither an fsync nor a foreign lock stops the event loop of the others. */
const port = parentPort
if (port === null) throw new Error('the writer runs as a worker thread')

const orders = workerData as WriterOrders
/** Another process commits within a millisecond or two: worth a few short naps before the queue is told. */
const naps = 8
const longestNapMillis = 1
const quietMillis = 20

const napping = new Int32Array(new SharedArrayBuffer(4))
const db = openConnection(orders.path, { readOnly: false })
const applyBatch = createApplyBatch(db)
const sweepStep = createSweepStep(db)
const checkpointer = createCheckpointer(db, orders.walBytes)
let seed = orders.seed
let dead = false

const quiet = setTimeout(() => guarded(checkpointer.rest), quietMillis)

const damage = orders.quickCheck ? findDamage(db, 'quick') : []
if (damage.length > 0) reply({ is: 'refused', why: damage.join('; ') })
else reply({ is: 'ready' })

port.on('message', (order: Order) => {
  if (order === 'close') return close()
  const answer = carryOut(order)
  reply(answer)
  if (answer.is === 'fatal') return
  const work = 'limit' in order ? order.limit : order.length / 6
  if (answer.is !== 'busy') guarded(() => checkpointer.worked(work))
  quiet.refresh()
})

function carryOut(order: Exclude<Order, 'close'>): Reply {
  for (let nap = 0; ; nap += 1) {
    try {
      if (!checkpointer.hasRoom())
        return { is: 'declined', why: 'another process has kept an old snapshot open, and the log is full' }
      return 'limit' in order ? sweepStep(order) : applyBatch(order)
    } catch (error) {
      const verdict = verdictOf(error, 'commit')
      if (verdict === 'busy' && nap < naps) rest()
      else if (verdict === 'busy') return { is: 'busy' }
      else if (verdict === 'full') return { is: 'declined', why: 'the disk is full' }
      else if (verdict === 'fatal' || verdict === 'corrupt') return { is: 'fatal', why: wordsOf(error) }
      else return { is: 'declined', why: wordsOf(error) }
    }
  }
}

/** Sleep up to a millisecond, never in step with another process. */
function rest(): void {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  Atomics.wait(napping, 0, 0, (longestNapMillis * seed) / 0x1_0000_0000)
}

/** Copying the log may wait, unless it broke in a way that says the disk can't be trusted. */
function guarded(work: () => void): void {
  try {
    work()
  } catch (error) {
    const verdict = verdictOf(error, 'unit')
    if (verdict === 'fatal' || verdict === 'corrupt') reply({ is: 'fatal', why: wordsOf(error) })
  }
}

/** After a fatal error not even closing is allowed: it would copy the log, and with it what may not be on the disk. */
function reply(answer: Reply): void {
  if (dead) return
  dead = answer.is === 'fatal'
  port?.postMessage(answer)
  if (dead) clearTimeout(quiet)
}

function close(): void {
  clearTimeout(quiet)
  if (!dead) db.close()
  port?.postMessage({ is: 'closed' } satisfies Reply)
  port?.close()
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
