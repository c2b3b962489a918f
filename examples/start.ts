// node examples/start.ts server | resource-server | web-app | macaroon-web | spa
// Starts Gatehouse with examples/gatehouse.yaml, the example, and what it calls; ends them all on Ctrl-C.
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { makeSecrets } from './start/make-secrets.ts'
import { seedPerson } from './start/seed-person.ts'
import { openPrograms } from './start/programs.ts'

const examples = {
  server: { apps: [], about: 'for the scripts in examples/curl' },
  'resource-server': { apps: ['resource-server'], about: 'two APIs' },
  'web-app': { apps: ['resource-server', 'web-app'], about: 'open the web app' },
  'macaroon-web': { apps: ['macaroon-web'], about: 'open the garden' },
  spa: { apps: ['resource-server', 'spa'], about: 'open the single-page app' },
} as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Where gatehouse.yaml stands and data/ is made. */
    home: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
    'gatehouse-port': { type: 'string', default: '8080' },
    'web-app-port': { type: 'string', default: '3000' },
    'resource-server-port': { type: 'string', default: '3001' },
    'spa-port': { type: 'string', default: '3002' },
    'macaroon-web-port': { type: 'string', default: '3003' },
  },
})
const name = Object.keys(examples).find((known): known is keyof typeof examples => known === positionals[0])
if (name === undefined) {
  console.error(`usage: node examples/start.ts ${Object.keys(examples).join(' | ')}`)
  process.exit(2)
}

const issuer = `http://localhost:${values['gatehouse-port']}`
const api = `http://127.0.0.1:${values['resource-server-port']}`
const titles = { 'resource-server': 'APIs', 'web-app': 'Web app', spa: 'Page', 'macaroon-web': 'Garden' }

const secrets = makeSecrets(values.home)
const programs = openPrograms()
await programs.start({
  title: 'Gatehouse',
  url: `${issuer}/readyz`,
  args: ['bin/gatehouse', 'serve', '--config', join(values.home, 'gatehouse.yaml'), '--port', values['gatehouse-port']],
})
const [person] = await Promise.all([
  seedPerson(values.home),
  ...examples[name].apps.map((app) =>
    programs.start({
      title: titles[app],
      url: `http://127.0.0.1:${values[`${app}-port`]}/`,
      args: [`examples/${app}/main.ts`],
      environment: {
        ISSUER: issuer,
        PORT: values[`${app}-port`],
        API: api,
        ...(app === 'spa' ? {} : { CLIENT_SECRET: secrets[app] }),
      },
    }),
  ),
])

const lines = [
  ['Gatehouse', issuer],
  ...examples[name].apps.map((app) => [titles[app], `http://127.0.0.1:${values[`${app}-port`]}/`] as const),
  ['Sign in as', `${person.username}   password ${person.password}`],
]
console.log(`\nReady: ${examples[name].about}.\n`)
for (const [label, text] of lines) console.log(`  ${label.padEnd(12)}${text}`)
const made = relative(process.cwd(), join(values.home, 'data'))
console.log(`\nCtrl-C ends everything. What was made is in ${made}; delete it to begin anew.`)
