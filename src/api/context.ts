import type { PasswordsContext } from '../accounts/context.ts'
import type { Keys } from '../keys/keys.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { SenderContext } from '../sender/live-token.ts'
import type { PasswordContext } from '../signin/context.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'

/** What the REST API needs of the house. */
export type ApiContext = SenderContext &
  PasswordContext &
  PasswordsContext & {
    readonly trustsProxies: boolean
    readonly keys: TokenKeys & Pick<Keys, 'list'>
    readonly observer: {
      readonly refused: (
        endpoint: string,
        refusal: Refusal,
        about?: { readonly clientId?: string; readonly address?: string },
      ) => void
    }
  }
