import type { OAuthProvider } from '../config/provider.ts'

/** What a provider wants to see with every call of its API, besides the token. Holds secrets. */
export function apiHeadersOf({
  apiHeaders,
  clientId,
  sharedSecret,
}: Pick<OAuthProvider, 'apiHeaders' | 'clientId' | 'sharedSecret'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(apiHeaders).map(([name, template]) => [
      name,
      template
        .replaceAll('{client_id}', () => clientId)
        .replaceAll('{shared_secret}', () => sharedSecret?.reveal() ?? ''),
    ]),
  )
}
