import type { PasswordStrength } from '../accounts/context.ts'
import type { AuthorizationRequest } from '../domain/interaction.ts'
import type { GrantContext } from '../grants/context.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { Look } from '../pages/look.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { ServerMetadata } from '../protocol/server-metadata.ts'
import type { StoreAdmin } from '../store/port.ts'
import type { Upstream } from '../upstream/create-upstream.ts'
import type { Vault } from '../vault/create-vault.ts'

/** What endpoints tell the operator: closed vocabularies, never a secret or a request's own text. */
export type Observer = {
  readonly refused: (
    endpoint: string,
    refusal: Refusal,
    about?: { readonly clientId?: string; readonly address?: string; readonly reference?: string },
  ) => void
  readonly issued: (grantType: string) => void
  /** A code or token is on its way to the client. */
  readonly authorized: (
    clientId: string,
    request: Pick<AuthorizationRequest, 'codeChallenge' | 'state' | 'nonce'>,
  ) => void
}

/** Everything that endpoints are made of. Built once, in `server/gatehouse.ts`. */
export type Core = GrantContext & {
  readonly admin: StoreAdmin
  readonly strength: PasswordStrength
  readonly look: Look
  readonly outbox: Outbox | undefined
  readonly metadata: ServerMetadata
  readonly observer: Observer
  readonly upstream: Upstream
  readonly vault: Vault
}
