import { readFileSync } from 'node:fs'
import { applyFileEntries } from '../../src/accounts/file-entries.ts'
import { createUser } from '../../src/accounts/create-user.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { PasswordPool } from '../../src/crypto/password-pool.ts'
import { openGatehouse } from '../../src/server/gatehouse.ts'
import { createLog } from '../../src/server/log.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { createObserver } from '../../src/server/observer.ts'
import { startServer } from '../../src/server/start.ts'
import { createSystem } from '../../src/server/system.ts'
import type { Fixture } from '../fixture.ts'

/**
 * Our server as it is, but for one part: the password pool compares texts in place of argon2id, which would be nine tenths
 * of a sign-in's CPU on both sides and say nothing about either. Every other check stays.
 * Arguments: configuration file, data directory, port, fixture file.
 */
const [configFile = '', data = '', port = '', fixtureFile = ''] = process.argv.slice(2)
const { fixture } = JSON.parse(readFileSync(fixtureFile, 'utf8')) as { fixture: Fixture }

const passwords: PasswordPool = {
  hash: async (password) => `plain:${password}`,
  verify: async (hash, password) => hash === `plain:${password}`,
  close: async () => {},
}

const loaded = loadConfig({
  flags: { config: configFile, data, port, issuer: `http://localhost:${port}`, logLevel: 'error' },
  environment: process.env,
  readFile: (path) => readFileSync(path),
  workingDirectory: process.cwd(),
})
if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
const { config } = loaded
const system = createSystem()
const log = createLog({ level: config.logLevel, clock: system.clock })
const metrics = createMetrics()
const gatehouse = await openGatehouse(config, system, {
  observer: createObserver(log, metrics),
  onKeyEvent: () => {},
  onFatal: (reason) => {
    throw reason
  },
  passwords,
})
const { core } = gatehouse
const applied = await applyFileEntries(core, config)
if ('problems' in applied) throw new Error(applied.problems.join('\n'))
for (const { username, password } of [fixture.administrator, ...fixture.people]) {
  // How guessable they are is judged when accounts are made, and isn't what is measured.
  const made = await createUser({ ...core, strength: async () => undefined }, { kind: 'cli' }, { username, password })
  if ('refused' in made) throw new Error(`${username}: ${JSON.stringify(made.refused)}`)
}
const server = await startServer(gatehouse, { config, system, log, metrics })
server.onSignals(process, (code) => process.exit(code))
