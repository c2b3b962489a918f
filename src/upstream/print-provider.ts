import type { UsersPolicy } from '../config/config.ts'
import { signInPolicy, type Provider } from '../config/provider.ts'

/** A provider as operators see it: everything but its secrets. What a login API has none of is null. */
export function printProvider(
  provider: Provider,
  { issuer, users }: { readonly issuer: string; readonly users: UsersPolicy },
) {
  const isOAuth = provider.kind !== 'site-login'
  return {
    name: provider.name,
    title: provider.title,
    kind: provider.kind,
    issuer: provider.issuer,
    sign_in: signInPolicy(provider, users),
    client_id: isOAuth ? provider.clientId : null,
    callback_path: isOAuth ? provider.callbackPath : null,
    callback_uri: isOAuth ? issuer + provider.callbackPath : null,
    login_endpoint: isOAuth ? null : provider.loginEndpoint,
    scope: isOAuth ? provider.scope.join(' ') : null,
    connect_scope: isOAuth ? provider.connectScope.join(' ') : null,
    refresh: isOAuth ? provider.refresh : null,
    anonymous: isOAuth && provider.anonymous,
    allow_insecure: provider.allowInsecure,
  }
}
