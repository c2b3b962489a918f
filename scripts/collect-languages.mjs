// node scripts/collect-languages.mjs [FOLDER]   writes every-language.ts from the languages that lie beside it.
// Plain JavaScript that Node 20 can run: prepare.mjs calls it, so that whoever adds a language adds its file and nothing else.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ours = fileURLToPath(new URL('../src/i18n/messages', import.meta.url))
if (process.argv[1] === fileURLToPath(import.meta.url)) collectLanguages(process.argv[2])

/** Imports rather than a folder that is read at run time: the compiler checks them, and a bundle holds them. */
export function collectLanguages(folder = ours) {
  const found = readdirSync(folder).flatMap((file) => /^([a-z]{2,3}(?:-[a-z\d]+)*)\.ts$/.exec(file)?.[1] ?? [])
  // English first: it is what we speak when nothing else fits.
  const tags = ['en', ...found.filter((tag) => tag !== 'en').toSorted()]
  const imports = tags.map((tag) => `import { ${nameOf(tag)} } from './${tag}.ts'\n`).toSorted()
  const text =
    '// Written by scripts/collect-languages.mjs, which `npm start`, `npm test` and `npm run build` call: nothing to edit.\n' +
    `${imports.join('')}import type { Translation } from './translation.ts'\n\n` +
    `export const everyLanguage = {\n${tags.map(entryOf).join('')}} as const satisfies Record<string, Translation>\n`
  const path = join(folder, 'every-language.ts')
  // A start from files that nobody may write is none the worse.
  if (text !== readFileSync(path, 'utf8')) writeFileSync(path, text)
}

function entryOf(tag) {
  const name = nameOf(tag)
  const [written] = Intl.getCanonicalLocales(tag)
  return written === name ? `  ${name},\n` : `  '${written}': ${name},\n`
}

/** What the file exports: `pt-br.ts` is `ptBr`, as files and what they hold are named everywhere here. */
function nameOf(tag) {
  return tag.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase())
}
