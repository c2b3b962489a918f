import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The tree of an earlier release, runnable. */
export type Release = { readonly version: string; readonly program: string; readonly remove: () => void }

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Every release, oldest first: by commit, because a clone may have no tags (docs/decisions/0016). */
function releases(): readonly { readonly version: string; readonly commit: string }[] {
  return JSON.parse(readFileSync(join(root, 'docs/releases.json'), 'utf8')) as ReturnType<typeof releases>
}

/** Why earlier releases can't be had here at all; nothing in a full clone. */
export function noHistory(): string | undefined {
  const { status, stdout } = git('rev-parse', '--is-shallow-repository')
  if (status !== 0) return 'this is no clone'
  return stdout.trim() === 'true' ? 'the clone is shallow; git fetch --unshallow' : undefined
}

/** The last release, taken out of the history of this clone, with the packages of this tree. Throws where the history lacks it. */
export function lastRelease(): Release {
  const last = releases().at(-1)
  if (last === undefined) throw new Error('docs/releases.json names no release')
  const { version, commit } = last
  if (git('cat-file', '-e', `${commit}^{commit}`).status !== 0)
    throw new Error(
      `the history here lacks release ${version} (commit ${commit}): this needs a full clone; git fetch --unshallow makes one of a shallow one`,
    )
  const folder = mkdtempSync(join(tmpdir(), `gatehouse-${version}-`))
  const archive = join(folder, 'tree.tar')
  const made = git('archive', '--output', archive, commit, 'src', 'package.json', 'tsconfig.json')
  const unpacked = spawnSync('tar', ['-xf', archive, '-C', folder], { encoding: 'utf8' })
  if (made.status !== 0 || unpacked.status !== 0)
    throw new Error(`release ${version} can't be unpacked: ${made.stderr}${unpacked.stderr}`)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    version,
    program: join(folder, 'src/cli/main.ts'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string }

function git(...args: readonly string[]): Ran {
  return spawnSync('git', args, { cwd: root, encoding: 'utf8' })
}
