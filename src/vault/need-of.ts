import type { Provider } from '../config/provider.ts'
import type { HeldConnection } from '../domain/connection.ts'
import { tokenNeed, type TokenNeed } from '../domain/refresh-connection.ts'
import type { Seconds } from '../protocol/time.ts'

/** What has to happen before its token is handed out, by what the provider's entry says of refresh tokens too. */
export function needOf(
  provider: Provider,
  connection: HeldConnection,
  { age, rejected }: { readonly age: Seconds; readonly rejected?: number | undefined },
): TokenNeed {
  return tokenNeed({ ...connection, refreshable: connection.refreshable && mayRefresh(provider, age) }, age, rejected)
}

/** Whether its refresh token, which came that long ago, is worth a question. */
function mayRefresh(provider: Provider, age: Seconds): boolean {
  if (provider.kind === 'site-login' || provider.refresh === 'none') return false
  return provider.refreshTtl === undefined || age < provider.refreshTtl
}
