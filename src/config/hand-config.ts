import type { Config } from './config.ts'
import { isSecretValue, secretValue } from './secret-value.ts'
import type { SecretValue } from './secret-value.ts'

/** What comes back from JSON as it went in, but for secrets, which are hidden in a closure. */
type Handed =
  string | number | boolean | SecretValue | readonly Handed[] | { readonly [name: string]: Handed | undefined }

const secretMark = '!'
const plainMark = '='

/** A checked configuration as one text, secrets included: for the pipe to a process of our own, and for nothing else. */
export function handConfig(config: Config): string {
  const handed: Handed = config
  return revealed(handed)
}

/** A part of one, so that two texts are alike where the parts are: as they print themselves, two secrets look alike. */
export function revealed(part: Handed): string {
  return JSON.stringify(part, function (this: Readonly<Record<string, unknown>>, name, printed: unknown) {
    const held = this[name]
    if (isSecretValue(held)) return secretMark + held.reveal()
    // Every text is marked, so that none looks like a secret.
    return typeof printed === 'string' ? plainMark + printed : printed
  })
}

/** The other end of the pipe. */
export function takeConfig(text: string): Config {
  // Nobody else writes to that pipe.
  return JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'string') return value
    return value.startsWith(secretMark) ? secretValue(value.slice(1)) : value.slice(1)
  }) as Config
}
