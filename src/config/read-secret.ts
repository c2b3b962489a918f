import { secretValue } from './secret-value.ts'
import type { SecretValue } from './secret-value.ts'
import { secretWeakness } from './strong-secret.ts'

export type SecretReference = { readonly env: string } | { readonly file: string }

/** Where secrets are looked up. */
export type SecretPlaces = {
  readonly variable: (name: string) => string | undefined
  /** The text of a file; undefined if there is none. Throws if it can't be read. */
  readonly file: (path: string) => string | undefined
}

/** Instead of places: whoever reads the configuration needs no secret of a client or provider, and may not have them. */
export const leftOut = 'left out'

/** The secret that `{ env: NAME }` or `{ file: PATH }` stands for. Line ends behind it belong to the file, not to it. */
export function readSecret(
  reference: SecretReference,
  places: SecretPlaces | typeof leftOut,
): { readonly secret: SecretValue } | { readonly problem: string } {
  if (places === leftOut) return { secret: unread }
  const found = lookUp(reference, places)
  if ('problem' in found) return found
  const weakness = secretWeakness(found.text)
  return weakness === undefined ? { secret: secretValue(found.text) } : { problem: weakness }
}

/** A secret that somebody else chose, who also says how long it is. */
export function readForeignSecret(
  reference: SecretReference,
  places: SecretPlaces | typeof leftOut,
): { readonly secret: SecretValue } | { readonly problem: string } {
  if (places === leftOut) return { secret: unread }
  const found = lookUp(reference, places)
  if ('problem' in found) return found
  return /^[\x20-\x7E]{1,1000}$/.test(found.text)
    ? { secret: secretValue(found.text) }
    : { problem: 'must be 1 to 1000 visible ASCII characters on one line' }
}

export function lookUp(
  reference: SecretReference,
  places: SecretPlaces,
): { readonly text: string } | { readonly problem: string } {
  if ('env' in reference) {
    const text = places.variable(reference.env)
    if (text === undefined || text === '')
      return { problem: `names the environment variable ${reference.env}, which isn't set; set it` }
    return { text }
  }
  try {
    const text = places.file(reference.file)
    if (text !== undefined) return { text: withoutLineEnds(text) }
    return { problem: `names the file ${reference.file}, which doesn't exist; create it` }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { problem: `names the file ${reference.file}, which can't be read (${code}); check its permissions` }
  }
}

/** A secret that is needed after all is a mistake of ours, and not an empty one. */
const unread: SecretValue = {
  ...secretValue(''),
  reveal: () => {
    throw new Error('a secret of the configuration was left out when it was read')
  },
}

/** Counted from behind: an expression would try every run of line ends in between as well. */
function withoutLineEnds(text: string): string {
  let end = text.length
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end -= 1
  return text.slice(0, end)
}
