import type { Command } from 'commander'
import type { Check } from './check.ts'
import { checkHouse } from './checks.ts'
import type { Io } from './io.ts'
import { storeSettings, withSettings } from './options.ts'
import { verb } from './verb.ts'

/** Adds `gatehouse doctor`. */
export function registerDoctor(program: Command, io: Io): void {
  const command = program
    .command('doctor')
    .description('check configuration, issuer, clock, keys, store, clients, APIs; a line each')
  verb(withSettings(command, [...storeSettings, 'issuer', 'host', 'port', 'workers']), io, async (_args, options) => {
    const checks = await checkHouse(io, options)
    const failed = checks.filter(({ status }) => status === 'fail').length
    return {
      json: { healthy: failed === 0, checks },
      text: checks.map(line).join(''),
      ...(failed > 0 && { failure: `${failed} of ${checks.length} checks failed; each line says how to fix it` }),
    }
  })
}

const line = ({ status, check, detail }: Check): string => `${status.padEnd(4)}  ${check.padEnd(9)}  ${detail}\n`
