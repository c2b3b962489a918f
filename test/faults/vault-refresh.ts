import { startGatehouse } from '../kit/gatehouse.ts'
import { etsyProvider } from '../vault/house.ts'
import { createTestClock } from '../kit/gatehouse.ts'

/** A process to be killed: opens the store and renews these connections, all at once. */
const [, , path = '', etsyUrl = '', keystring = '', sharedSecret = '', ahead = '0', ...ids] = process.argv

const clock = createTestClock()
clock.advance(Number(ahead))
const server = await startGatehouse({
  clock,
  store: { adapter: 'sqlite', path },
  config: { providers: [etsyProvider({ url: etsyUrl, keystring, sharedSecret })] },
})
await Promise.all(ids.map((connection) => server.core.vault.freshToken({ connection })))
process.stdout.write('all renewed\n')
await server.close()
