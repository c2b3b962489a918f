import { explain } from './explain.ts'
import { fileSchema } from './schema.ts'
import type { FileShape } from './schema.ts'
import { readYaml } from './yaml-document.ts'
import type { Path } from './yaml-document.ts'

export type ConfigFile = {
  readonly shape: FileShape
  /** `FILE:LINE:COLUMN` of a key. */
  readonly place: (path: Path) => string
  readonly found: boolean
}

/**
 * The shape of `gatehouse.yaml`: every key known, every value of its type, defaults filled in. A file that nobody named may be absent.
 */
export function readConfigFile(
  path: string,
  required: boolean,
  readFile: (path: string) => string | undefined,
): ConfigFile | { readonly problems: readonly string[] } {
  let text: string | undefined
  try {
    text = readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { problems: [`${path} can't be read (${code}); check that it is a file and may be read`] }
  }
  if (text === undefined) {
    if (required) return { problems: [`${path} doesn't exist; check --config`] }
    return { shape: fileSchema.parse({}), place: () => path, found: false }
  }
  const yaml = readYaml(text)
  if ('problems' in yaml) return { problems: yaml.problems.map(({ place, problem }) => `${path}:${place}: ${problem}`) }
  const { value, place } = yaml.document
  const parsed = fileSchema.safeParse(value, { reportInput: true })
  if (!parsed.success) {
    const problems = explain(fileSchema, parsed.error.issues)
    return { problems: problems.map((found) => `${path}:${place(found.path)}: ${found.problem}`) }
  }
  return { shape: parsed.data, place: (at) => `${path}:${place(at)}`, found: true }
}
