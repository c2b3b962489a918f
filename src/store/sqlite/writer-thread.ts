import type { DatabaseSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { createCarryOut } from './carry-out.ts'
import { openConnection } from './connection.ts'
import { findDamage } from './find-damage.ts'
import type { Order, Reply, WriterOrders } from './messages.ts'
import { createNap } from './nap.ts'
import { verdictOf } from './verdict.ts'

// The one thread of this process that writes: neither an fsync nor a foreign lock stops the event loop of the others.
// It has no event loop of its own: it sleeps on a bell and takes its orders one by one, which halves the cost of waking it.

const quietMillis = 20

const { path, quickCheck, walBytes, pages, busyMillis, seed, bell } = workerData as WriterOrders
const nap = createNap(seed)

// The thread came up while the file was still being set up.
Atomics.wait(bell, 0, 0)
const db = open()
// After a fatal error not even closing is allowed: it would copy the log, and with it what may not be on the disk.
if (db !== undefined && takeOrders(db) === 'closed') db.close()

function open(): DatabaseSync | undefined {
  for (let napped = 0; ; napped += 1) {
    try {
      const opened = openConnection(path, { readOnly: false })
      opened.exec(`PRAGMA max_page_count = ${pages}`)
      const damage = quickCheck ? findDamage(opened, 'quick') : []
      reply(damage.length === 0 ? { is: 'ready' } : { is: 'refused', why: damage.join('; ') })
      return opened
    } catch (error) {
      const busy = verdictOf(error, 'unit') === 'busy'
      if (busy && napped < busyMillis) nap()
      else {
        reply(busy ? { is: 'busy' } : { is: 'refused', why: error instanceof Error ? error.message : String(error) })
        return undefined
      }
    }
  }
}

function takeOrders(opened: DatabaseSync): 'closed' | 'dead' {
  const { carryOut, afterwards, rest } = createCarryOut(opened, { walBytes, nap })
  let patience: number = quietMillis
  for (let rung = 0; ; rung = Atomics.load(bell, 0)) {
    for (let order = nextOrder(); order !== undefined; order = nextOrder()) {
      if (order === 'close') return 'closed'
      if (reply(carryOut(order)) === 'fatal' || reply(afterwards(order)) === 'fatal') return 'dead'
      patience = quietMillis
    }
    const woken: string = Atomics.wait(bell, 0, rung, patience)
    if (woken !== 'timed-out') continue
    if (reply(rest()) === 'fatal') return 'dead'
    patience = Infinity
  }
}

function nextOrder(): Order | undefined {
  const received: { readonly message: Order } | undefined =
    parentPort === null ? undefined : receiveMessageOnPort(parentPort)
  return received?.message
}

function reply(answer: Reply | undefined): Reply['is'] | undefined {
  if (answer !== undefined) parentPort?.postMessage(answer)
  return answer?.is
}
