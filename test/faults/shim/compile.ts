import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Compile a shim of this folder into `folder`; what LD_PRELOAD then names. */
export function compileShim(name: 'fault-injection' | 'power-loss', folder: string): string {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url))
  const shim = join(folder, `${name}.so`)
  execFileSync('cc', [
    '-shared',
    '-fPIC',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    shim,
    source,
    '-ldl',
    '-lpthread',
  ])
  return shim
}
