import type { Keys, KeySummary } from '../keys/keys.ts'
import { ImportRefused } from '../keys/import-key.ts'
import { decodeAnyBase64 } from '../tokens/macaroon/any-base64.ts'
import { parseInstant } from '../tokens/macaroon/instant.ts'
import { rootKeyOf } from '../tokens/macaroon/root-key.ts'
import { parseScope } from '../protocol/scope.ts'
import { isRefusal } from '../protocol/errors.ts'
import { CliFailure } from './failure.ts'

export type ImportFlags = {
  readonly name: string
  readonly resource: string
  readonly scope: string
  readonly notAfter: string
}

const keyBytes = 32

/** `key import`: a root key of 32 bytes in base64, as its old server has it in its environment. Throws CliFailure. */
export async function importKeyByFlags(keys: Keys, secret: string, flags: ImportFlags): Promise<KeySummary> {
  // `AUTH_SECRET_KEY="…"` copied whole is meant as what stands between its quotes.
  const text = /^(?:[A-Z_]+=)?"?([^"\s]+)"?$/.exec(secret.trim())?.[1] ?? ''
  const bytes = decodeAnyBase64(text)
  if (bytes?.length !== keyBytes)
    throw new CliFailure(`standard input must hold the root key: ${keyBytes} bytes in base64`)
  const notAfter = parseInstant(flags.notAfter)
  if (notAfter === undefined)
    throw new CliFailure('--not-after is an instant such as 2030-01-31T00:00:00Z', { exitCode: 2 })
  const scope = parseScope(flags.scope)
  if (isRefusal(scope)) throw new CliFailure('--scope is a list of scopes, separated by single spaces', { exitCode: 2 })
  const { name, resource } = flags
  try {
    return await keys.importKey({ name, resource, scope, notAfter, rootKey: rootKeyOf(bytes) }, 'cli')
  } catch (error) {
    if (error instanceof ImportRefused) throw new CliFailure(error.message)
    throw error
  }
}
