import { parseJsonObject } from '../crypto/strict-json.ts'

/**
 * What a macaroon's contextual caveats are measured by: the call that its holder makes. It never says anything about time,
 * identity, audience or scope; what is missing here isn't met.
 */
export type CaveatContext = {
  /** Name of the operation at the API. */
  readonly endpoint?: string
  readonly method?: string
  /** Path of the call as it was received, without its query. */
  readonly path?: string
  /** Address of the caller. */
  readonly ip?: string
  /** A call that goes on to a provider: through which connection, and the path there. Nobody outside ever says it. */
  readonly connection?: { readonly id: string; readonly path: string }
}

const members = ['endpoint', 'method', 'path', 'ip'] as const
const longestMember = 2048

/** Reads `caveat_context`, or undefined unless it is a JSON object of these four members alone, each a text. */
export function parseCaveatContext(text: string): CaveatContext | undefined {
  const object = parseJsonObject(Buffer.from(text, 'utf8'))
  if (object === undefined) return undefined
  const context: { [name in (typeof members)[number]]?: string } = {}
  for (const [name, value] of Object.entries(object)) {
    const member = members.find((known) => known === name)
    if (member === undefined || typeof value !== 'string' || value.length > longestMember) return undefined
    context[member] = value
  }
  return context
}
