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
  const when = `${now()}, commit ${commit}, load of the last minutes ${load.toFixed(1)} on ${cores} cores`
  const sections = new Map(measured.size === names.length ? [] : read().sections)
  for (const name of names) {
    const text = measured.get(name)
    if (text !== undefined) sections.set(name, `Measured ${when}: ${text}`)
  }
  const head = `# What each store costs

Made by \`npm run bench -- stores\`: Node ${node}, ${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, ${fileSystem}. README.md says how to read it.`
  await write({ head, sections })
}

/** The same of a sweep, as test/faults/sweep.timed.test.ts prints it. */
export async function publishSweep(swept: string): Promise<void> {
  const { head, sections } = read()
  const text = `Measured ${now()}, on SQLite: ${swept}.`
  await write({ head, sections: new Map(sections).set('A sweep beside requests', text) })
}

const now = (): string => `${new Date().toISOString().slice(0, 16)} UTC`

/** STORES.md: what stands above its sections, and they by heading, in their order. */
type Page = { readonly head: string; readonly sections: ReadonlyMap<string, string> }

function read(): Page {
  const [head = '', ...sections] = readFileSync(file, 'utf8').split(/^## /m)
  return {
    head,
    sections: new Map(
      sections.map((section) => {
        const [name = '', ...rest] = section.split('\n')
        return [name, rest.join('\n').trim()]
      }),
    ),
  }
}

async function write({ head, sections }: Page): Promise<void> {
  const all = [...sections].map(([name, section]) => `## ${name}\n\n${section.trim()}`)
  const text = `${[head.trim(), ...all].join('\n\n')}\n`
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }))
}
