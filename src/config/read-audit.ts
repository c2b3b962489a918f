import type { AuditSettings } from './config.ts'
import type { ConfigFile } from './read-config-file.ts'
import { readForeignSecret, type SecretPlaces } from './read-secret.ts'

/** Where copies of audit events go: `audit` of the file. */
export function readAudit(
  file: ConfigFile,
  places: SecretPlaces & { readonly fromFile: (relative: string) => string },
  problems: string[],
): AuditSettings | undefined {
  const { audit } = file.shape
  if (audit === undefined) return undefined
  const say = (key: string, problem: string): undefined => {
    problems.push(`${file.place(['audit', key])}: audit.${key} ${problem}`)
    return undefined
  }
  const { sink, authorization, allow_insecure: allowInsecure } = audit
  const url = URL.parse(sink)
  const isHttp = url !== null && ['http:', 'https:'].includes(url.protocol)
  if (!isHttp && authorization !== undefined)
    return say('authorization', 'is only for a collector at https://…; leave it out')
  if (!isHttp && allowInsecure) return say('allow_insecure', 'is only for a collector at https://…; leave it out')
  if (sink === 'stdout') return { to: 'stdout' }
  if (sink.startsWith('file:') && sink.length > 'file:'.length)
    return { to: 'file', path: places.fromFile(sink.slice('file:'.length)) }
  if (!isHttp) return say('sink', 'must be stdout, file:PATH or https://…')
  if (url.protocol === 'http:' && !allowInsecure)
    return say('sink', 'must be https; a collector inside your own network may say allow_insecure: true')
  if (url.username !== '' || url.password !== '')
    return say('sink', 'holds a password, which never stands in this file; use authorization: { env: NAME }')
  if (authorization === undefined) return { to: 'http', url: sink, allowInsecure }
  const found = readForeignSecret(authorization, places)
  if ('problem' in found) return say('authorization', found.problem)
  return { to: 'http', url: sink, allowInsecure, authorization: found.secret }
}
