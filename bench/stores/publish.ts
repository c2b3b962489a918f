import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { describeMachine } from '../measure/machine.ts'

const file = join(import.meta.dirname, '..', 'STORES.md')

/**
 * Writes what was measured of these stores into STORES.md. What was measured of the others before stays as it is, and each says when
 * and of what; where all of them were measured, the file begins anew.
 */
export async function publish(names: readonly string[], measured: ReadonlyMap<string, string>): Promise<void> {
  if (measured.size === 0) return
  const { cores, cpu, memoryGiB, kernel, fileSystem, node, commit } = describeMachine()
  const [, load = 0] = loadavg()
  // CPU of a machine that others keep busy is an upper bound, and its rates are nothing.
  const when = `${new Date().toISOString().slice(0, 16)} UTC, commit ${commit}, load of the last minutes ${load.toFixed(1)} on ${cores} cores`
  const before = measured.size === names.length ? new Map<string, string>() : sectionsIn(readFileSync(file, 'utf8'))
  const sections = new Map(before)
  for (const name of names) {
    const text = measured.get(name)
    if (text !== undefined) sections.set(name, `Measured ${when}: ${text}`)
  }
  const text = `# What each store costs

Made by \`npm run bench -- stores\`: Node ${node}, ${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, ${fileSystem}. README.md says how to read it.

${[...sections].map(([name, section]) => `## ${name}\n\n${section.trim()}`).join('\n\n')}
`
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }))
}

/** By heading, in their order. */
export function sectionsIn(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => {
        const [name = '', ...rest] = section.split('\n')
        return [name, rest.join('\n').trim()]
      }),
  )
}
