import { resolve } from 'node:path'
import { loadConfig } from '../../src/config/load-config.ts'
import type { LoadedConfig } from '../../src/config/load-config.ts'
import type { TextSettings } from '../../src/config/settings.ts'

export type Given = {
  /** Text of /etc/gatehouse/gatehouse.yaml, named by a flag. */
  readonly yaml?: string
  readonly flags?: TextSettings
  readonly environment?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

/** Loads a configuration from nothing but what the test says. */
export function load(given: Given): LoadedConfig {
  const files: Record<string, string> = {
    ...given.files,
    ...(given.yaml !== undefined && { '/etc/gatehouse/gatehouse.yaml': given.yaml }),
  }
  return loadConfig({
    flags: { ...(given.yaml !== undefined && { config: '/etc/gatehouse/gatehouse.yaml' }), ...given.flags },
    environment: given.environment ?? {},
    readFile: (path) => {
      if (files[path] === 'EACCES') throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
      const text = files[resolve(path)]
      return text === undefined ? undefined : Buffer.from(text, path.endsWith('.png') ? 'latin1' : 'utf8')
    },
    workingDirectory: '/home/op',
  })
}

/** What was refused, each line without the place that all have in common. */
export function problemsOf(given: Given): readonly string[] {
  const loaded = load(given)
  return 'problems' in loaded ? loaded.problems.map((line) => line.replace('/etc/gatehouse/gatehouse.yaml:', '')) : []
}

export function configOf(given: Given) {
  const loaded = load(given)
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  return loaded.config
}
