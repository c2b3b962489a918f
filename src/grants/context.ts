import type { ClientAuthContext } from '../client-auth/context.ts'
import type { UsersPolicy } from '../config/config.ts'
import type { Keys } from '../keys/keys.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { PasswordContext } from '../signin/context.ts'
import type { Upstream } from '../upstream/create-upstream.ts'
import type { Vault } from '../vault/create-vault.ts'

/** What exchanging a grant for tokens needs of the house. */
export type GrantContext = ClientAuthContext &
  PasswordContext & {
    readonly keys: Keys
    readonly usersPolicy: () => UsersPolicy
    /** When this process began to answer: the refresh grace counts from then at the earliest. */
    readonly readyAt: () => EpochSeconds
    readonly upstream: Pick<Upstream, 'providers'>
    readonly vault: Pick<Vault, 'freshToken'>
  }
