import { parentPort, workerData } from 'node:worker_threads'
import { openConnection } from './connection.ts'
import { findDamage } from './find-damage.ts'

/** A full check reads the whole file: on a thread and a connection of its own, so that nobody waits for it. */
const db = openConnection((workerData as { readonly path: string }).path, { readOnly: true })
const damage = findDamage(db, 'full')
db.close()
parentPort?.postMessage(damage)
