import type { Seconds } from '../protocol/time.ts'
import type { Errand } from './flow.ts'
import type { ProvedAt } from './session.ts'

/** A sign-in that is half done: the first factor was right, the second is owed. Bound to one browser, used up by the second. */
export type Attempt = Errand & {
  readonly v: 1
  /** SHA-256 of the browser cookie. */
  readonly browserHash: string
  readonly userId: string
  /** Global and user epoch; another one now means that it is over. */
  readonly epoch: string
  readonly persistent: boolean
  readonly acr: string
  readonly amr: readonly string[]
  /** When the first factor was. */
  readonly proved: ProvedAt
  /** How long the person wants to stay signed in. */
  readonly lasts?: Seconds
}
