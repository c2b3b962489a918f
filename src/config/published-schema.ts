import { z } from 'zod'
import { fileSchema } from './schema.ts'

/** The JSON Schema of `gatehouse.yaml`, for editors (`# yaml-language-server: $schema=…`). */
export function publishedSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-2020-12' })
  return { title: 'gatehouse.yaml', ...schema }
}
