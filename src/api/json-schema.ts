import { z } from 'zod'

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Where the document keeps schemas that have a name. */
const place = '#/components/schemas/'

/** What a schema lets in, and every schema with a name (`meta({ id })`) in it by that name. */
export function jsonSchemaOf(schema: z.ZodType): {
  readonly schema: JsonSchema
  readonly named: Readonly<Record<string, JsonSchema>>
} {
  // Inside another one, a schema with a name becomes a reference like every other.
  const { properties, $defs = {} } = z.toJSONSchema(z.object({ it: schema }), {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      delete jsonSchema.id
    },
  })
  return moved({ schema: properties?.['it'] ?? {}, named: $defs }) as ReturnType<typeof jsonSchemaOf>
}

/** References as they are in the document. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === '$ref' && typeof member === 'string' ? member.replace('#/$defs/', place) : moved(member),
    ]),
  )
}
