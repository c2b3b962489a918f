/** A body held what nobody may see, or more than anybody needs, or didn't come to its end. */
export class BodyRefused extends Error {
  readonly why: 'secret' | 'too_large' | 'broken'

  constructor(why: BodyRefused['why']) {
    super(`a body was refused: ${why}`)
    this.name = 'BodyRefused'
    this.why = why
  }
}

/**
 * A text in the spellings that an innocent echo gives it: bare, in JSON whose slashes are escaped, in a query. An API that
 * wants to give it away finds others; it has the token already.
 */
export function spellingsOf(text: string): readonly string[] {
  const inQuery = encodeURIComponent(text)
  return [
    ...new Set([
      text,
      text.replaceAll('/', String.raw`\/`),
      inQuery,
      inQuery.replaceAll(/%../g, (hex) => hex.toLowerCase()),
    ]),
  ]
}

/**
 * A body as it comes, up to the first byte of a secret: an API that repeats our credentials, in an error or on purpose, must not
 * hand them to whoever called it (L16). Only what may be the beginning of one waits for the next piece. Throws BodyRefused.
 */
export async function* withoutSecrets(
  body: AsyncIterable<Uint8Array>,
  { secrets, most }: { readonly secrets: readonly string[]; readonly most: number },
): AsyncGenerator<Uint8Array, void> {
  const sought = secrets.filter((secret) => secret !== '').map((secret) => Buffer.from(secret, 'utf8'))
  let held = Buffer.alloc(0)
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > most) throw new BodyRefused('too_large')
    const seen = Buffer.concat([held, chunk])
    if (sought.some((secret) => seen.includes(secret))) throw new BodyRefused('secret')
    const begun = Math.max(0, ...sought.map((secret) => longestBeginning(seen, secret)))
    held = seen.subarray(seen.length - begun)
    if (seen.length > begun) yield seen.subarray(0, seen.length - begun)
  }
  if (held.length > 0) yield held
}

/** How many bytes at the end are the beginning of a secret. */
function longestBeginning(seen: Buffer, secret: Buffer): number {
  for (let length = Math.min(seen.length, secret.length - 1); length > 0; length -= 1) {
    if (seen.subarray(seen.length - length).equals(secret.subarray(0, length))) return length
  }
  return 0
}
