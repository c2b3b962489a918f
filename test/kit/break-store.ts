import type { TestGatehouse } from './gatehouse.ts'
import type { Store } from '../../src/store/port.ts'
import { refuseNewer } from '../../src/store/refuse-newer.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

/** Ways for a store to be of no use: it says so, it breaks, it answers with something else than records. */
export const breakages = {
  unavailable: {
    read: () => Promise.reject(new StoreUnavailable('down', 'none')),
    commit: () => Promise.reject(new StoreUnavailable('down', 'none')),
    list: () => Promise.reject(new StoreUnavailable('down', 'none')),
  },
  broken: {
    read: () => Promise.reject(new TypeError('reading is broken')),
    commit: () => Promise.reject(new TypeError('writing is broken')),
    list: () => Promise.reject(new TypeError('listing is broken')),
  },
  throwing: {
    read: () => {
      throw new RangeError('thrown, not rejected')
    },
    commit: () => {
      throw new RangeError('thrown, not rejected')
    },
    list: () => {
      throw new RangeError('thrown, not rejected')
    },
  },
  // An error object where a record should be: truthy, and nobody's session.
  nonsense: {
    read: (refs) => Promise.resolve(refs.map(() => ({ error: 'down', value: { error: 'down' } }) as never)),
    commit: () => Promise.resolve({ error: 'down' } as never),
    list: () => Promise.resolve({ error: 'down' } as never),
  },
} as const satisfies Record<string, Pick<Store, 'read' | 'commit' | 'list'>>

/** Breaks a server's store under all who hold it, and below what stands before every adapter. The returned function mends it. */
export function breakStore({ core }: Pick<TestGatehouse, 'core'>, how: keyof typeof breakages): () => void {
  const { store } = core.transition
  const whole = { ...store }
  Object.assign(store, refuseNewer({ ...whole, ...breakages[how] }))
  return () => void Object.assign(store, whole)
}
