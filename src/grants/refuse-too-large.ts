import { refuse, type Refusal } from '../protocol/errors.ts'
import { TokenTooLarge } from '../tokens/mint.ts'

/** For `catch`: nothing was committed for a token that doesn't fit; who asks for less gets one. Anything else is thrown on. */
export function refuseTooLarge(error: unknown): Refusal {
  if (error instanceof TokenTooLarge)
    return refuse('invalid_scope', 'token_too_large', 'the token would be too long: ask for less scope')
  throw error
}
