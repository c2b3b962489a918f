import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { render } from './render.ts'
import type { Result } from './result.ts'

const bench = join(import.meta.dirname, '..')

/** Keeps a result. Whole ones go into RESULTS.md; quick and partial ones never do. */
export const keepResult = async (result: Result, whole: boolean): Promise<void> => {
  const directory = whole ? join(bench, 'results') : join(bench, 'results', 'quick')
  mkdirSync(directory, { recursive: true })
  await write(join(directory, `${result.name}.json`), JSON.stringify(result, null, 2))
}

/** Writes RESULTS.md from every result kept, each with its own date: a run of one bench leaves the others' lines alone. */
export const writeResults = async (order: readonly string[]): Promise<void> => {
  const kept = readdirSync(join(bench, 'results'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(bench, 'results', file), 'utf8')) as Result)
    .toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  const text = `# How fast it is\n\nMade by \`npm run bench\`; README.md says how to read it.\n\n${render(kept)}\n`
  await write(join(bench, 'RESULTS.md'), text)
}

/** Formatted as the rest of the repository is, so that a run leaves nothing to tidy. */
const write = async (file: string, text: string): Promise<void> => {
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }))
}
