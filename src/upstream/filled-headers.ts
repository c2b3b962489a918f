import type { OAuthProvider } from '../config/provider.ts'

/** Headers of an entry as they are sent, its id and second secret filled in. They hold secrets. */
export function filledHeaders(
  { clientId, sharedSecret }: Pick<OAuthProvider, 'clientId' | 'sharedSecret'>,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, template]) => [
      name,
      template
        .replaceAll('{client_id}', () => clientId)
        .replaceAll('{shared_secret}', () => sharedSecret?.reveal() ?? ''),
    ]),
  )
}
