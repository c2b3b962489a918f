// One process that starts on a store and tells what keys it has. Arguments: the store's path, the key file's path.
import { mac } from '../../src/crypto/mac.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { keyLifetimes, secretRings } from '../../src/domain/key-lifecycle.ts'
import { openKeys } from '../../src/keys/keys.ts'
import { openProtection } from '../../src/keys/protection.ts'
import { openStore } from '../../src/store/open.ts'

const [path = '', keyFile = ''] = process.argv.slice(2)
const random = createRandom()
const clock = {
  millis: () => Date.now(),
  seconds: () => Math.floor(Date.now() / 1000),
  monotonic: () => performance.now(),
}
const { store, admin } = await openStore(`sqlite:${path}`, {
  clock,
  random,
  onFatal: (reason) => {
    throw reason
  },
})
const protection = await openProtection({ keyFile }, { store, instanceId: 'instance', random })
let created = 0
const keys = await openKeys({ store, clock, random, protection, lifetimes: keyLifetimes, onEvent: () => created++ })
const proofs = secretRings.map((ring) => `${keys.secret(ring).keyId} ${mac(keys.secret(ring).key, 'x')}`)
console.log(JSON.stringify({ jwks: keys.jwks().body, proofs, created }))
await admin.close()
