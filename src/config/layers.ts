import { flagName, settings } from './settings.ts'
import type { SettingName, TextSettings } from './settings.ts'

/** A value that stands above the file's, and what to call it in a complaint. */
export type Said = { readonly text: string; readonly label: string }

export type Layers = { readonly said: (name: SettingName) => Said | undefined }

/** Flags above environment. */
export function layers(flags: TextSettings, environment: TextSettings): Layers {
  return {
    said: (name) => {
      const setting = settings.find((candidate) => candidate.name === name)
      if (setting === undefined) return undefined
      const flag = flags[name]
      if (flag !== undefined) return { text: flag, label: flagName(setting) }
      const variable = environment[name]
      return variable === undefined ? undefined : { text: variable, label: setting.variable }
    },
  }
}
