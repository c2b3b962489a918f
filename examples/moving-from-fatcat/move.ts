// node examples/moving-from-fatcat/move.ts --editors editors.csv --resource https://api.example --scope "edit" \
//   --not-after 2030-01-31T00:00:00Z [-- --data ./data]
// Brings the editors of a fatcat server, and the keys that verify the macaroons they hold. The keys come from the environment, named
// as there: AUTH_KEY_IDENT, AUTH_SECRET_KEY, AUTH_ALT_KEYS. What stands behind -- goes to every gatehouse command.
// identities.csv (--identities): psql --csv -c 'SELECT editor_id, provider, oidc_iss, oidc_sub FROM auth_oidc'
// editors.csv: psql --csv -c 'SELECT id, username, is_superuser, is_admin, is_bot, is_active, auth_epoch, wrangler_id FROM editor'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readEditors, readIdentities, readIssuers } from './read-editors.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    editors: { type: 'string' },
    /** Who the editors are elsewhere, so that front ends go on signing them in. */
    identities: { type: 'string' },
    /** PROVIDER=URL, each: who is elsewhere by it signs in here, where that provider calls itself so. Default: as fatcat called it. */
    issuer: { type: 'string', multiple: true, default: [] },
    resource: { type: 'string' },
    scope: { type: 'string' },
    'not-after': { type: 'string' },
    /** UUID of the editor who answers for bots that had nobody. */
    wrangler: { type: 'string' },
  },
})
const { editors, resource, scope, 'not-after': notAfter } = values
if (editors === undefined || resource === undefined || scope === undefined || notAfter === undefined) {
  console.error('--editors FILE, --resource URI, --scope TEXT and --not-after INSTANT are needed')
  process.exit(2)
}

const launcher = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const gatehouse = (args: readonly string[], input = ''): string =>
  execFileSync(process.execPath, [launcher, ...args, ...positionals], {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  })

/** By provider; fatcat wrote down the address of its API. */
const issuers = readIssuers(values.issuer)

// 1. The API whose users these are. Its front ends ask about their macaroons by introspection.
const known = gatehouse(['resource', 'list', '--json'])
if (!known.includes(JSON.stringify(resource)))
  gatehouse(['resource', 'create', resource, '--scope', scope, '--format', 'macaroon'])

// 2. The accounts, under the ids that their macaroons name, with what was revoked still revoked.
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-moving-'))
try {
  const elsewhere =
    values.identities === undefined ? undefined : readIdentities(readFileSync(values.identities, 'utf8'))
  const accounts = readEditors(readFileSync(editors, 'utf8'), values.wrangler).map((account) => {
    // Nobody signs in as a bot here.
    const identities = account.bot
      ? undefined
      : elsewhere?.get(account.user_id)?.map((one) => ({ ...one, issuer: issuers.get(one.provider) ?? one.issuer }))
    return { ...account, ...(identities !== undefined && { identities }) }
  })
  const file = join(folder, 'accounts.jsonl')
  writeFileSync(file, accounts.map((account) => `${JSON.stringify(account)}\n`).join(''), { mode: 0o600 })
  console.log(`accounts: ${gatehouse(['user', 'import', file]).trim()}`)
} finally {
  rmSync(folder, { recursive: true })
}

// 3. The keys. None of them mints anything here; each ends with the day.
const { AUTH_KEY_IDENT: ident = '', AUTH_SECRET_KEY: secret = '', AUTH_ALT_KEYS: others = '' } = process.env
const keys = [`${ident}:${secret}`, ...others.split(',')].filter((pair) => pair !== '' && pair !== ':')
const there = gatehouse(['key', 'list', '--json'])
for (const pair of keys) {
  const at = pair.indexOf(':')
  const [name, key] = [pair.slice(0, at), pair.slice(at + 1)]
  if (there.includes(`"import:${name}"`)) continue
  gatehouse(['key', 'import', name, '--resource', resource, '--scope', scope, '--not-after', notAfter], key)
  console.log(`key: ${name} until ${notAfter}`)
}
