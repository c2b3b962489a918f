import type { PasswordPool } from '../crypto/password-pool.ts'
import type { Random } from '../crypto/random.ts'
import type { Protection } from '../keys/protection.ts'
import type { Clock } from '../protocol/time.ts'
import type { Problem } from '../protocol/problem.ts'
import type { TransitionContext } from '../store/transition.ts'

/** What changing accounts, clients and APIs needs of the house. */
export type AccountsContext = {
  readonly clock: Clock
  readonly random: Random
  readonly transition: TransitionContext
  /** Seals what must be kept and used again. On the command line it is opened at its first use. */
  readonly protection: () => Promise<Protection>
}

export type PasswordsContext = AccountsContext & {
  readonly passwords: Pick<PasswordPool, 'hash'>
  readonly strength: PasswordStrength
}

/** Why a password is too easy to guess. */
export type Guessable = {
  /** 0 (tried at once) to 2. */
  readonly score: number
  /** What makes it so, and what would help: names of messages, `strength.warning.…` and `strength.suggestion.…`. */
  readonly warning?: string | undefined
  readonly suggestions: readonly string[]
}

/**
 * Whether a guesser would come to a password too soon; nothing if not. `about`: words that belong to its owner. Throws
 * PasswordPoolBusy, if it could not be judged, and whatever broke the thread.
 */
export type PasswordStrength = (password: string, about: readonly string[]) => Promise<Guessable | undefined>

/** A no is a value: the API answers it as it is, the command line says its detail. */
export type Outcome<T> = { readonly done: T } | Refused

/** `strength`: of the new password that is why. */
export type Refused = { readonly refused: Problem; readonly strength?: Guessable }
