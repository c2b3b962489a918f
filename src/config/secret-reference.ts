import { z } from 'zod'

/** Where a secret is to be read from; what must be at that place, its reader says. */
export const secretReference = z.union(
  [
    z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/, 'must be the name of an environment variable') }),
    z.strictObject({ file: z.string().min(1, 'must name a file') }),
  ],
  { error: 'must be { env: NAME } or { file: PATH }: a secret never stands in this file' },
)
