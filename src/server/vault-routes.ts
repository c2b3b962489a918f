import type { Core } from '../endpoints/core.ts'
import { createVaultCapabilityEndpoint } from '../endpoints/vault/capability.ts'
import { createConnectFormEndpoint, createConnectPageEndpoint } from '../endpoints/vault/connect.ts'
import { createVaultProxyEndpoint, vaultProxyPath } from '../endpoints/vault/proxy.ts'
import { createVaultRevokeEndpoint } from '../endpoints/vault/revoke.ts'
import { createConnectEndpoint } from '../endpoints/vault/start.ts'
import { createVaultTokenEndpoint } from '../endpoints/vault/token.ts'
import { connectPath } from '../vault/start-connection.ts'
import type { Route } from './route.ts'

/** The vault's paths, where there is a provider that can be connected to. */
export function vaultRoutes(core: Core): readonly Route[] {
  const hasOne = [...core.upstream.providers.values()].some(({ kind }) => kind !== 'site-login')
  if (!hasOne) return []
  const page = `${connectPath}/:ticket`
  return [
    { method: 'POST', path: connectPath, endpoint: createConnectEndpoint(core), kind: 'form', access: 'client' },
    { method: 'GET', path: page, endpoint: createConnectPageEndpoint(core), kind: 'none', access: 'browser' },
    { method: 'POST', path: page, endpoint: createConnectFormEndpoint(core), kind: 'form', access: 'browser' },
    { method: 'POST', path: '/vault/token', endpoint: createVaultTokenEndpoint(core), kind: 'form', access: 'client' },
    {
      method: 'POST',
      path: '/vault/capability',
      endpoint: createVaultCapabilityEndpoint(core),
      kind: 'form',
      access: 'client',
    },
    {
      method: 'POST',
      path: '/vault/revoke',
      endpoint: createVaultRevokeEndpoint(core),
      kind: 'form',
      access: 'client',
      priority: 'revoke',
    },
    ...proxyRoutes(core),
  ]
}

/** Only where there is an API to call. */
function proxyRoutes(core: Core): readonly Route[] {
  const providers = [...core.upstream.providers.values()]
  if (!providers.some((provider) => provider.kind !== 'site-login' && provider.apiBase !== undefined)) return []
  const every = { path: `${vaultProxyPath}:connection/*`, endpoint: createVaultProxyEndpoint(core) } as const
  return (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).map((method) => ({
    ...every,
    method,
    kind: 'stream',
    access: 'token',
    ...(method === 'GET' && { head: true }),
  }))
}
