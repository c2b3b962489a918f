import type { Random } from '../crypto/random.ts'
import type { Ring } from '../domain/key.ts'
import type { KeyLifetimes } from '../domain/key-lifecycle.ts'
import type { Clock } from '../protocol/time.ts'
import type { Store } from '../store/port.ts'
import type { Protection } from './protection.ts'

/** What the log should know. Ids alone. */
export type KeyEvent = {
  /** 'stale': the store didn't answer, so newer keys may exist; 'unreadable': a key of another protection. */
  readonly type: 'created' | 'took_over' | 'removed' | 'unreadable' | 'stale'
  /** Absent where all rings or none are meant. */
  readonly ring?: Ring
  readonly keyId?: string
}

/** What the rings need of the house. */
export type KeysContext = {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly protection: Protection
  readonly lifetimes: KeyLifetimes
  readonly onEvent: (event: KeyEvent) => void
}
