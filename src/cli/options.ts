import { type Command, Option } from 'commander'
import { settings, type SettingName, type TextSettings } from '../config/settings.ts'

/** The settings that say which store a command works on. */
export const storeSettings: readonly SettingName[] = ['config', 'data', 'store']

/** Adds settings as flags, as `serve` has them. */
export function withSettings(command: Command, names: readonly SettingName[]): Command {
  for (const { name, flag, description, default: standard } of settings) {
    if (names.includes(name))
      command.addOption(
        new Option(flag, standard === undefined ? description : `${description} (default: ${standard})`),
      )
  }
  return command
}

export const withJson = (command: Command): Command => command.option('--json', 'print one JSON document')

/** Through the REST API of a running server in place of the store. */
export function withServer(command: Command): Command {
  return command
    .option('--server <url>', 'work through the REST API of this server')
    .option('--token <token>', 'access token for --server (or GATEHOUSE_TOKEN)')
}

/** Flags as the configuration takes them: text, whatever commander made of them. */
export function textSettings(options: Readonly<Record<string, unknown>>): TextSettings {
  const text: { [name in SettingName]?: string } = {}
  for (const { name } of settings) {
    const value = options[name]
    if (typeof value === 'string') text[name] = value
    else if (value === true) text[name] = 'true'
  }
  return text
}

/** A value that commander only promises. */
export function textOption(options: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

export const flagOption = (options: Readonly<Record<string, unknown>>, name: string): boolean => options[name] === true

/** Adds one value to a flag that may come more than once. */
export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]
