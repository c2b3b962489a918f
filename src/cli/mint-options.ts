import type { MintRequest } from '../domain/mint-request.ts'
import type { Document } from './administration.ts'
import { CliFailure } from './failure.ts'
import { textOption } from './options.ts'
import type { Options } from './verb.ts'

const formats = ['jwt', 'opaque', 'macaroon'] as const

/** The flags of `token mint` as the REST API takes them. */
export function mintDocument(options: Options): Document {
  const format = textOption(options, 'format') ?? (textOption(options, 'connection') === undefined ? 'jwt' : 'macaroon')
  if (!formats.some((known) => known === format)) throw usage(`--format is one of ${formats.join(', ')}`)
  const ttl = textOption(options, 'ttl')
  if (ttl !== undefined && !/^[1-9]\d{0,8}$/.test(ttl)) throw usage('--ttl is a number of seconds')
  const caveats = options['caveat']
  const [scope, resource, connection, name] = ['scope', 'resource', 'connection', 'name'].map((option) =>
    textOption(options, option),
  )
  return {
    format,
    ...(ttl !== undefined && { ttl: Number(ttl) }),
    ...(Array.isArray(caveats) && { caveats }),
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    ...(connection !== undefined && { connection }),
    ...(name !== undefined && { name }),
  }
}

/** The same for the store itself. */
export function readMintRequest(document: Document): MintRequest {
  const { format, ttl, caveats, scope, resource, connection, name } = document
  return {
    format: formats.find((known) => known === format) ?? 'jwt',
    ...(typeof ttl === 'number' && { ttl }),
    ...(Array.isArray(caveats) && { caveats: caveats.map(String) }),
    ...(typeof scope === 'string' && { scope: [...new Set(scope.split(' '))] }),
    ...(typeof resource === 'string' && { resource }),
    ...(typeof connection === 'string' && { connection }),
    ...(typeof name === 'string' && { name }),
  }
}

const usage = (problem: string): CliFailure => new CliFailure(problem, { exitCode: 2 })
