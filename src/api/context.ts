import type { Upstream } from '../upstream/create-upstream.ts'
import type { PasswordsContext } from '../accounts/context.ts'
import type { RegistrationContext } from '../accounts/register.ts'
import type { Keys } from '../keys/keys.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { SenderContext } from '../sender/live-token.ts'
import type { PasswordContext } from '../signin/context.ts'
import type { MintKeys } from '../tokens/mint.ts'
import type { Vault } from '../vault/create-vault.ts'

/** What the REST API needs of the house. */
export type ApiContext = SenderContext &
  Pick<RegistrationContext, 'outbox' | 'usersPolicy'> &
  PasswordContext &
  PasswordsContext & {
    readonly trustsProxies: boolean
    readonly look: { readonly productName: string }
    readonly upstream: Pick<Upstream, 'providers'>
    readonly vault: Pick<Vault, 'finishRecalls'>
    readonly keys: MintKeys & Pick<Keys, 'list' | 'learn' | 'rotate'>
    readonly observer: {
      readonly refused: (
        endpoint: string,
        refusal: Refusal,
        about?: { readonly clientId?: string; readonly address?: string },
      ) => void
    }
  }
