import type { Source } from '../source.ts'

/** Files that no entry leads to, and entries and imports that lead nowhere. Worker threads are led to by `new URL('./x.ts', import.meta.url)`. */
export function unreachable(sources: Source[], entries: string[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const reached = new Set<string>()
  const missing: string[] = []
  const visit = (path: string, from: string) => {
    const source = byPath.get(path)
    if (!source && path.endsWith('.ts')) missing.push(`${from} leads to ${path}, which doesn't exist`)
    if (!source || reached.has(path)) return
    reached.add(path)
    for (const to of source.imports) if (to.path !== undefined) visit(to.path, path)
  }
  for (const entry of entries) visit(entry, 'package.json')
  const unreached = sources.filter((source) => !reached.has(source.path))
  return [...missing, ...unreached.map((source) => `${source.path} is reached from no entry`)]
}

/** The sources that a published package's exports are built from, and the two programs. */
export function entriesOf(exports: Record<string, string | { default: string }>): string[] {
  const built = Object.values(exports).map((entry) => (typeof entry === 'string' ? entry : entry.default))
  return [
    ...built
      .filter((path) => path.startsWith('./dist/'))
      .map((path) => path.replace('./dist/', 'src/').replace(/\.js$/, '.ts')),
    'src/cli/main.ts',
    // What only makes documents runs from scripts/generated-docs.ts, never in a server.
    'src/cli/cli-page.ts',
    'src/config/configuration-page.ts',
    'src/config/published-schema.ts',
  ]
}
