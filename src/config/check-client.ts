import { usesSecret } from '../protocol/client-authentication.ts'
import { parseClientMetadata } from '../protocol/client-metadata.ts'
import { isRefusal } from '../protocol/errors.ts'
import { isReservedScope } from '../protocol/scope.ts'
import type { ConfiguredClient } from './config.ts'
import type { Explained } from './explain.ts'
import type { ClientEntry } from './schema.ts'
import type { SecretValue } from './secret-value.ts'
import type { Path } from './yaml-document.ts'

/** What a client of the file must be by itself. Paths begin at the entry; each sentence begins after its key. */
export function checkClient(
  entry: ClientEntry,
  secret: SecretValue | undefined,
): { readonly client: ConfiguredClient } | { readonly problems: readonly Explained[] } {
  const { client_secret: reference, ...document } = entry
  const metadata = parseClientMetadata(document)
  if (isRefusal(metadata)) {
    const sentence = metadata.hint ?? 'is not acceptable'
    return { problems: [{ path: pathOf(metadata.field), problem: sentence.slice(sentence.indexOf(' ') + 1) }] }
  }
  const problems: Explained[] = []
  // The first start makes it, and knows by it that there was one.
  if (entry.client_id === 'loopback')
    problems.push({ path: ['client_id'], problem: "is Gatehouse's own client; choose another name" })
  const { method } = metadata.authentication
  const needsSecret = usesSecret(metadata.authentication)
  if (needsSecret && reference === undefined) {
    problems.push({ path: ['client_secret'], problem: `is missing for ${method}; add { env: NAME } or { file: PATH }` })
  }
  if (!needsSecret && reference !== undefined) {
    problems.push({
      path: ['client_secret'],
      problem: `isn't used with token_endpoint_auth_method ${method}; leave it out`,
    })
  }
  // Its secret would have to be shown to somebody, and the file has nobody to show it to.
  if ('requireOneTimeCode' in metadata.authentication && metadata.authentication.requireOneTimeCode) {
    problems.push({
      path: ['require_one_time_code'],
      problem: "can't be had by a client of this file; make the client with gatehouse client create",
    })
  }
  // Through the password grant, only our own loopback client reaches administration and vault.
  if (metadata.grantTypes.includes('password') && metadata.scope.some(isReservedScope)) {
    problems.push({
      path: ['scope'],
      problem: 'names a reserved scope, which a client with the password grant may not hold; leave one of them out',
    })
  }
  if (problems.length > 0) return { problems }
  return { client: { metadata: { ...metadata, clientId: entry.client_id }, ...(secret !== undefined && { secret }) } }
}

/** `redirect_uris[1]` as a path. */
function pathOf(field: string): Path {
  return field
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step))
}
