import { isLoopbackHost } from '../protocol/loopback.ts'
import type { MailSettings } from './config.ts'
import type { Layers } from './layers.ts'
import type { ConfigFile } from './read-config-file.ts'
import type { Environment } from './read-environment.ts'
import { lookUp } from './read-secret.ts'
import { secretValue } from './secret-value.ts'

type Sources = {
  readonly above: Layers
  readonly file: ConfigFile
  readonly issuer: string | undefined
  readonly environment: Environment
  readonly readText: (relative: string) => string | undefined
}

const addressShape = /^[^\s@"(),:;<>[\\\]]{1,64}@[A-Za-z0-9.-]{1,190}$/

/** How letters leave: `--dev-mail` before the file's `mail`. */
export function readMail(sources: Sources, problems: string[]): MailSettings | undefined {
  const { above, file, issuer } = sources
  const dev = above.said('devMail')
  if (dev !== undefined && !['true', '1', 'false', '0', ''].includes(dev.text))
    problems.push(`${dev.label} must be true or false`)
  if (dev !== undefined && ['true', '1'].includes(dev.text)) {
    if (issuer !== undefined && !isLoopbackHost(new URL(issuer).hostname))
      problems.push(`${dev.label} needs a loopback issuer: the log would hold links that open accounts; use mail.smtp`)
    return { by: 'log' }
  }
  const { mail } = file.shape
  if (mail === undefined) return undefined
  const say = (key: string, problem: string): undefined => {
    problems.push(`${file.place(['mail', key])}: mail.${key} ${problem}`)
    return undefined
  }
  if (!addressShape.test(mail.from)) return say('from', 'must be an address such as login@example.org')
  const named =
    typeof mail.smtp === 'string'
      ? { text: mail.smtp }
      : lookUp(mail.smtp, { variable: (name) => sources.environment[name], file: sources.readText })
  if ('problem' in named) return say('smtp', named.problem)
  const url = URL.parse(named.text)
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    return say('smtp', 'must be smtps://HOST or smtp://HOST')
  if (typeof mail.smtp === 'string' && url.password !== '')
    return say('smtp', 'holds a password, which never stands in this file; use { env: NAME } or { file: PATH }')
  return { by: 'smtp', url: secretValue(named.text), from: mail.from, loopback: isLoopbackHost(url.hostname) }
}
