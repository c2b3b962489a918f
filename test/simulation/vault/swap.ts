import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import type * as Episode from './episode.ts'

/** A piece of the source that reads otherwise. */
export type Swap = {
  /** Below `src`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

let swapped = 0
/** By address: taking the types off costs more than all the rest. */
const bare = new Map<string, string>()

function bareSource(address: string): string {
  const known = bare.get(address) ?? stripTypeScriptTypes(readFileSync(fileURLToPath(address), 'utf8'))
  bare.set(address, known)
  return known
}

/** The simulation of the vault, loaded anew over a source in which one piece is another one. The piece must stand there once. */
export async function importSwapped({ file, from, to }: Swap): Promise<typeof Episode> {
  swapped += 1
  const tag = `?swapped=${swapped}`
  const target = new URL(`../../../src/${file}`, import.meta.url).href
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const isOurs = specifier.startsWith('.') && context.parentURL?.endsWith(tag) === true
      return isOurs ? { ...found, url: found.url + tag } : found
    },
    load: (url, context, next) => {
      if (!url.endsWith(`.ts${tag}`)) return next(url, context)
      const address = url.slice(0, -tag.length)
      const source = bareSource(address)
      if (address !== target) return { format: 'module', source, shortCircuit: true }
      if (source.split(from).length !== 2) throw new Error(`${file} doesn’t hold this once: ${from}`)
      return { format: 'module', source: source.replace(from, () => to), shortCircuit: true }
    },
  })
  try {
    return (await import(`./episode.ts${tag}`)) as typeof Episode
  } finally {
    hooks.deregister()
  }
}
