import { relative } from 'node:path'
import { adminName } from '../accounts/first-start.ts'
import type { Config } from '../config/config.ts'
import { printStoreAddress } from '../config/store-address.ts'
import type { FirstAdministrator } from './first-administrator.ts'

/** What the very first start says, once. */
export function firstStartText(config: Config, first: FirstAdministrator & { readonly is: 'first' }): string {
  if (first.passwordFile !== undefined) {
    return `The account ${adminName} was made. Its password is in ${first.passwordFile}; read it, then delete the file.\n`
  }
  if (first.password === undefined)
    return `The account ${adminName} was made with the password of GATEHOUSE_ADMIN_PASSWORD.\n`
  const lines = [`The account ${adminName} was made. Its password, shown this once:`, '', `    ${first.password}`, '']
  // Behind a proxy nobody is provably local, so the loopback client refuses.
  if (config.trustedProxies.length === 0) {
    lines.push(
      'A first access token, for this machine alone:',
      '',
      `    ${tokenCommand(config.issuer, first.password)}`,
      '',
    )
  }
  return `${lines.join('\n')}\n`
}

function tokenCommand(issuer: string, password: string): string {
  const form = [
    'grant_type=password',
    'client_id=loopback',
    `username=${adminName}`,
    `password=${password}`,
    "'scope=openid admin'",
  ]
  return `curl -s ${issuer}/oauth/token ${form.map((field) => `-d ${field}`).join(' ')}`
}

/** What a server on this machine says when it answers. */
export function readyText(config: Config, version: string, workingDirectory: string): string {
  const lines = [
    `Gatehouse ${version} answers at ${config.issuer}`,
    `  store    ${storeText(config, workingDirectory)}`,
  ]
  if (config.metricsPort !== undefined) lines.push(`  metrics  http://127.0.0.1:${config.metricsPort}/metrics`)
  return `${lines.join('\n')}\n`
}

function storeText({ store }: Config, workingDirectory: string): string {
  if (store.adapter === 'memory') return 'in memory: nothing outlives this process'
  if (store.adapter !== 'sqlite') return printStoreAddress(store)
  const shorter = relative(workingDirectory, store.path)
  return `SQLite, ${shorter.startsWith('..') ? store.path : shorter}`
}
