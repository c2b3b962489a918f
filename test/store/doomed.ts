import { createRandom } from '../../src/crypto/random.ts'
import { event } from '../../src/store/suite/samples.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

// Commits to the store PATH, one event after the other, and prints what became of each, until the store is dead.
const [path = ''] = process.argv.slice(2)
let dead = false
const { store } = await openSqliteStore({
  path,
  clock: { monotonic: () => performance.now() },
  random: createRandom(),
  onFatal(reason) {
    console.log(`fatal ${reason.message}`)
    dead = true
    // What a server does, once it has had the time to answer those who wait.
    setTimeout(() => process.exit(70), 100)
  },
})
for (let count = 1; ; count += 1) {
  try {
    await store.commit([event(`e-${count}`)])
    console.log(`committed e-${count}`)
  } catch (error) {
    console.log(`${error instanceof StoreUnavailable ? error.outcome : 'wrong'} e-${count}`)
    if (dead && count > 50) break
  }
}
