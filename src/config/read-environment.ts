import { nearest } from './nearest.ts'
import { settings } from './settings.ts'
import type { SettingName, TextSettings } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type EnvironmentSettings = { readonly values: TextSettings; readonly warnings: readonly string[] }

const secretVariables = ['GATEHOUSE_SECRET', 'GATEHOUSE_ADMIN_PASSWORD']

/**
 * The settings among the environment's variables. Orchestrators inject `GATEHOUSE_PORT=tcp://10.0.0.1:8080` and its like for a
 * service of our name: those are ignored aloud. A name that we don't know is no error, since others may use the prefix.
 */
export function readEnvironment(environment: Environment): EnvironmentSettings {
  const values: { [name in SettingName]?: string } = {}
  const warnings: string[] = []
  const known = new Map(settings.map((setting) => [setting.variable, setting.name]))
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('GATEHOUSE_') || value === undefined || secretVariables.includes(variable)) continue
    const name = known.get(variable)
    if (name === undefined) {
      const meant = nearest(variable, [...known.keys(), ...secretVariables])
      if (meant !== undefined) warnings.push(`${variable} is ignored: there is no such setting; did you mean ${meant}?`)
    } else if (value.startsWith('tcp://')) {
      warnings.push(`${variable} is ignored: a value that begins with tcp:// comes from an orchestrator`)
    } else if (value !== '') values[name] = value
  }
  return { values, warnings }
}
