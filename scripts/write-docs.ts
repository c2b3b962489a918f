// node scripts/write-docs.ts   writes docs/configuration.md, docs/cli.md and docs/gatehouse.schema.json from the code
import { writeFileSync } from 'node:fs'
import { generatedDocs } from './generated-docs.ts'

for (const [path, text] of await generatedDocs()) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text)
  console.log(path)
}
