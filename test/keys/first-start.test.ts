import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { rings } from '../../src/domain/key-lifecycle.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('first-start.ts', import.meta.url))

type Told = { readonly jwks: string; readonly proofs: readonly string[]; readonly created: number }

test('three processes that start together on a new SQLite store end up with one key file and one key per ring', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-start-'))
  try {
    const args = [program, join(folder, 'store.db'), join(folder, 'gatehouse.key')]
    const outputs = await Promise.all([1, 2, 3].map(() => run(process.execPath, args, { timeout: 30_000 })))
    const told = outputs.map(({ stdout }) => JSON.parse(stdout) as Told)
    expect(new Set(told.map(({ jwks }) => jwks)).size).toBe(1)
    expect(new Set(told.map(({ proofs }) => proofs.join())).size).toBe(1)
    expect(told.reduce((sum, { created }) => sum + created, 0)).toBe(rings.length)
    const again = JSON.parse((await run(process.execPath, args, { timeout: 30_000 })).stdout) as Told
    expect(again).toEqual({ ...told[0], created: 0 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)
