import { storeAddressForms } from './store-address.ts'

/** What can be said by flag and by environment too. `serve` offers all; the other commands those that say which store. */
export type SettingName =
  'config' | 'data' | 'host' | 'port' | 'issuer' | 'store' | 'workers' | 'metricsPort' | 'logLevel' | 'devMail'

export type Setting = {
  readonly name: SettingName
  /** As commander writes it. */
  readonly flag: string
  readonly variable: string
  readonly description: string
  readonly default?: string
}

type Row = readonly [name: SettingName, flag: string, description: string, byDefault?: string]

const rows: readonly Row[] = [
  ['config', '--config <file>', 'configuration file; one that is named must exist', 'gatehouse.yaml'],
  ['data', '--data <dir>', 'directory of the SQLite file and the key file', './data'],
  ['host', '--host <address>', 'address to listen on', '127.0.0.1'],
  ['port', '--port <number>', 'port to listen on', '8080'],
  ['issuer', '--issuer <url>', 'origin under which everybody reaches the server', 'http://localhost:<port>'],
  ['store', '--store <url>', storeAddressForms, 'sqlite:<data>/gatehouse.db'],
  ['workers', '--workers <number>', 'processes that serve on one store, behind one port', '1'],
  ['metricsPort', '--metrics-port <number>', 'port on 127.0.0.1 that serves /metrics; without it there are none'],
  ['logLevel', '--log-level <level>', 'error, warn, info or debug', 'info'],
  ['devMail', '--dev-mail', 'letters to the log instead of a mail server; loopback issuer only'],
]

export const settings: readonly Setting[] = rows.map(([name, flag, description, byDefault]) => {
  const variable = `GATEHOUSE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
  return { name, flag, variable, description, ...(byDefault === undefined ? {} : { default: byDefault }) }
})

/** Values as text, from one source. */
export type TextSettings = { readonly [name in SettingName]?: string }

/** `--metrics-port`, without its argument. */
export const flagName = (setting: Setting): string => setting.flag.split(' ')[0] ?? setting.flag
