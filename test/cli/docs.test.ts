import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { generatedDocs } from '../../scripts/generated-docs.ts'

test('the pages that are made from the code are fresh (node scripts/write-docs.ts)', async () => {
  for (const [path, text] of await generatedDocs()) {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), path).toBe(text)
  }
})
