import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, type Comment, type ParseResult } from 'oxc-parser'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Source {
  /** From the project's root, with slashes: `src/domain/client.ts`. */
  path: string
  /** The first folder below src, or '' for a file directly in src. */
  folder: string
  text: string
  imports: Import[]
  program: ParseResult['program']
  comments: Comment[]
}

export interface Import {
  specifier: string
  typeOnly: boolean
  /** Of the imported file, from the project's root; undefined for a package or a builtin. */
  path: string | undefined
}

export function readSources(pattern = 'src/**/*.ts'): Source[] {
  const paths = globSync(pattern, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }).toSorted()
  return paths.map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

/** Sources that exist only in a test, to show that a rule catches them. */
export function madeUp(files: Record<string, string>): Source[] {
  return Object.entries(files).map(([path, text]) => parseSource(path, text))
}

function parseSource(path: string, text: string): Source {
  const { program, module, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const imports: Import[] = []
  const add = (specifier: string, typeOnly: boolean) => {
    if (imports.some((known) => known.specifier === specifier && known.typeOnly <= typeOnly)) return
    const target = specifier.startsWith('.') ? posix.join(dirname(path), specifier) : undefined
    imports.push({ specifier, typeOnly, path: target })
  }
  for (const { moduleRequest, entries } of module.staticImports) {
    add(moduleRequest.value, entries.length > 0 && entries.every((entry) => entry.isType))
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) if (moduleRequest) add(moduleRequest.value, isType)
  }
  for (const { moduleRequest } of module.dynamicImports) {
    add(text.slice(moduleRequest.start + 1, moduleRequest.end - 1), false)
  }
  // Types are imported inside expressions too, and worker threads by URL: neither is in the parser's module record.
  for (const [, specifier] of text.matchAll(/\bimport\('([^']+)'\)/g)) if (specifier) add(specifier, true)
  for (const [, specifier] of text.matchAll(/new URL\('(\.[^']+)', import\.meta\.url\)/g)) {
    if (specifier) add(specifier, false)
  }
  const [, first = ''] = path.split('/')
  return { path, folder: first.includes('.') ? '' : first, text, imports, program, comments }
}
