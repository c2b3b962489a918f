import { registerHooks } from 'node:module'

/** A piece of the source that reads otherwise. */
export type Swap = {
  /** Below `src`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

let swapped = 0

/** The simulation of the vault, loaded anew over a source in which one piece is another one. The piece must stand there once. */
export async function importSwapped({ file, from, to }: Swap): Promise<typeof import('./episode.ts')> {
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
      const loaded = next(url, context)
      if (url !== target + tag) return loaded
      const text = String(loaded.source)
      if (text.split(from).length !== 2) throw new Error(`${file} doesn’t hold this once: ${from}`)
      return { ...loaded, source: text.replace(from, () => to) }
    },
  })
  try {
    return (await import(`./episode.ts${tag}`)) as typeof import('./episode.ts')
  } finally {
    hooks.deregister()
  }
}
