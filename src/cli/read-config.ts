import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { loadConfig, type LoadedConfig } from '../config/load-config.ts'
import type { TextSettings } from '../config/settings.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'

/** What file, environment and flags say, without judging it. */
export function loadFrom(io: Io, flags: TextSettings, { withoutSecrets = false } = {}): LoadedConfig {
  const { environment, workingDirectory } = io
  return loadConfig({ flags, environment, workingDirectory, readFile: readBytes, withoutSecrets })
}

/** The configuration; a faulty one ends the command with a line for each fault. */
export function readConfig(
  io: Io,
  flags: TextSettings,
  about: { readonly withoutSecrets?: boolean } = {},
): { readonly config: Config; readonly warnings: readonly string[] } {
  const loaded = loadFrom(io, flags, about)
  if ('config' in loaded) return loaded
  const [first = 'the configuration is not acceptable', ...more] = loaded.problems
  throw new CliFailure(first, { more })
}

function readBytes(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
