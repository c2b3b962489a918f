import type { GrantType as GrantTypeName } from '../protocol/grant-type.ts'
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import type { GrantType } from './grant-type.ts'
import { password } from './password.ts'
import { refreshToken } from './refresh-token.ts'
import { tokenExchange } from './token-exchange.ts'

/** Every grant type there is. One that doesn't stand here doesn't exist, and isn't advertised either. */
export const grantTypeRegistry: ReadonlyMap<string, GrantType> = new Map(
  ([authorizationCode, refreshToken, clientCredentials, tokenExchange, password] satisfies GrantType[]).map((type) => [
    type.name,
    type,
  ]),
)

export const grantTypeNames: readonly GrantTypeName[] = [...grantTypeRegistry.values()].map(({ name }) => name)
