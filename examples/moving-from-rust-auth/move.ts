// CREDENTIAL_SECRET=… node examples/moving-from-rust-auth/move.ts --table auth.json --secrets new-secrets.jsonl [-- --data ./data]
// Brings accounts and clients of the table `Auth` of the Rust auth service: passwords go on working. CREDENTIAL_SECRET is its
// `credential.secret` (APP_CREDENTIAL_SECRET there). What stands behind -- goes to every gatehouse command.
// auth.json: aws dynamodb scan --table-name Auth > auth.json
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readTable } from './read-table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    table: { type: 'string' },
    /** Where the new secrets of clients are put, for their owners alone. */
    secrets: { type: 'string' },
    /** `credential.iterations` of the old configuration. */
    iterations: { type: 'string', default: '100000' },
  },
})
const { CREDENTIAL_SECRET: secret = '' } = process.env
if (values.table === undefined || values.secrets === undefined || secret === '') {
  console.error('--table FILE, --secrets FILE and CREDENTIAL_SECRET are needed')
  process.exit(2)
}
const { table, secrets } = values

const launcher = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const gatehouse = (args: readonly string[]): string =>
  execFileSync(process.execPath, [launcher, ...args, ...positionals], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const { accounts, clients, remarks } = readTable(readFileSync(table, 'utf8'), {
  secret,
  iterations: Number(values.iterations),
})
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-moving-'))
const write = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}
try {
  // 1. People, with their ids and passwords. The first right password makes a better hash of the old one.
  const people = write('accounts.jsonl', accounts.map((account) => `${JSON.stringify(account)}\n`).join(''))
  console.log(`accounts: ${gatehouse(['user', 'import', people]).trim()}`)

  // 2. Clients, each with what it was meant to be allowed. Those that are there are left alone.
  const list = JSON.parse(gatehouse(['client', 'list', '--json'])) as { items: { client_id: string }[] }
  const there = new Set(list.items.map(({ client_id: id }) => id))
  for (const client of clients.filter(({ client_id: id }) => !there.has(id))) {
    const made = gatehouse(['client', 'create', '--file', write('client.json', JSON.stringify(client)), '--json'])
    const { client_id: clientId, client_secret: clientSecret } = JSON.parse(made) as Record<string, string>
    if (clientSecret !== undefined) {
      const line = `${JSON.stringify({ client_id: clientId, client_secret: clientSecret })}\n`
      appendFileSync(secrets, line, { mode: 0o600 })
    }
    console.log(`client: ${clientId}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
for (const remark of remarks) console.log(`note: ${remark}`)
