import { createRandom } from '../../crypto/random.ts'
import { put } from '../../domain/record.ts'
import { openStore } from '../open.ts'
import { StoreContended } from '../contended.ts'
import { transition } from '../transition.ts'
import { lease, start } from './samples.ts'

/**
 * One of several processes on one storage: `racer ADDRESS NAME add COUNT` adds one to the same counter that many times;
 * `racer ADDRESS NAME win COUNT` tries to be the first on each of that many records. Prints how often it succeeded.
 */
const [address = '', name = '', game = '', count = '0'] = process.argv.slice(2)
const atOnce = 8

const random = createRandom()
const { store, admin } = await openStore(address, {
  clock: { monotonic: () => performance.now() },
  random,
  onFatal(reason) {
    throw reason
  },
})
const context = { store, clock: { seconds: () => start }, random }
const turns = Array.from({ length: Number(count) }, (_, index) => index)
let successes = 0
await Promise.all(Array.from({ length: atOnce }, play))
await admin.close()
process.stdout.write(String(successes))

async function play(): Promise<void> {
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    if (game === 'add') await add()
    // Everybody begins at both ends, so that they meet on most records.
    else if (await win(turn % 2 === 0 ? turn : Number(count) - turn)) successes += 1
  }
}

async function add(): Promise<void> {
  try {
    await transition(context, { counter: lease('counter') }, ({ counter }) => {
      const next = String(Number(counter.value?.holder) + 1)
      return { writes: [put(counter, { v: 1, holder: next }, { expiresAt: null })], result: next }
    })
    successes += 1
  } catch (error) {
    if (!(error instanceof StoreContended)) throw error
    await add()
  }
}

function win(turn: number): Promise<boolean> {
  return transition(context, { prize: lease(`prize-${turn}`) }, ({ prize }) =>
    prize.value?.holder === ''
      ? { writes: [put(prize, { v: 1, holder: name }, { expiresAt: null })], result: true }
      : { writes: [], result: false },
  )
}
