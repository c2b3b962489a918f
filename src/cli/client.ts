import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { longestOverlap } from '../accounts/change-client.ts'
import { administrationVerb } from './administer.ts'
import { all, type Document } from './administration.ts'
import { readStandardInput } from './ask-password.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { flagOption, textOption } from './options.ts'
import { card, instant, table, type Answer } from './print.ts'
import type { Options } from './verb.ts'

/** RFC 7591 names as flags; `[]` takes several values. */
const fields: readonly (readonly [name: string, value: string, description: string])[] = [
  ['client_name', '<text>', 'what people read on the consent page'],
  ['redirect_uris', '<uris...>', 'where answers may go'],
  ['post_logout_redirect_uris', '<uris...>', 'where sign-out may lead back to'],
  ['grant_types', '<types...>', 'authorization_code, refresh_token, client_credentials, password'],
  [
    'token_endpoint_auth_method',
    '<method>',
    'client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, http_message_signature or none',
  ],
  ['token_endpoint_auth_signing_alg', '<alg>', 'with private_key_jwt: the one algorithm'],
  ['scope', '<text>', 'the most it may ask for, separated by spaces'],
  ['resources', '<uris...>', 'APIs it may name'],
  ['id_token_signed_response_alg', '<alg>', 'RS256, ES256 or EdDSA'],
  ['client_uri', '<uri>', 'home page'],
  ['logo_uri', '<uri>', 'logo'],
  ['policy_uri', '<uri>', 'privacy policy'],
  ['tos_uri', '<uri>', 'terms'],
  ['legacy', '<switches...>', 'implicit, password, assertion_audience, open_redirector'],
]

/** Adds `gatehouse client`. */
export function registerClient(program: Command, io: Io): void {
  const client = program
    .command('client')
    .description('OAuth clients; those of the configuration file are read-only here')

  administrationVerb(
    withFields(
      client
        .command('create')
        .description('make a client; its secret is shown once')
        .option('--client-id <id>', 'its id; made if absent'),
    ),
    io,
    async (administration, _args, options) => {
      const id = textOption(options, 'clientId')
      return shown(
        await administration.createClient({
          ...(await documentOf(io, options)),
          ...(id !== undefined && { client_id: id }),
        }),
      )
    },
  )

  administrationVerb(client.command('list').description('every client'), io, async (administration) => {
    const clients = await all(administration.clients())
    const rows = clients.map((each) => ({ ...each, disabled: each['disabled'] === true ? 'disabled' : '' }))
    return {
      json: { items: clients },
      text: table(rows, [
        'client_id',
        'client_name',
        'token_endpoint_auth_method',
        'grant_types',
        'managed_by',
        'disabled',
      ]),
    }
  })

  administrationVerb(
    client.command('show <client-id>').description('one client'),
    io,
    async (administration, [id = '']) => shown(await administration.client(id)),
  )

  administrationVerb(
    withFields(client.command('change <client-id>').description('change single fields')),
    io,
    async (administration, [id = ''], options) =>
      shown(await administration.changeClient(id, await documentOf(io, options))),
  )

  administrationVerb(
    client
      .command('rotate-secret <client-id>')
      .description('a new secret, shown once; the old one is dead at once')
      .option('--overlap <seconds>', `let the old one live on for a while (at most ${longestOverlap})`, '0'),
    io,
    async (administration, [id = ''], options) => {
      const overlap = textOption(options, 'overlap') ?? '0'
      if (!/^\d{1,9}$/.test(overlap)) throw new CliFailure('--overlap must be a number of seconds', { exitCode: 2 })
      return shown(await administration.rotateSecret(id, Number(overlap)))
    },
  )

  administrationVerb(
    client.command('disable <client-id>').description('switch it off; its tokens are dead for good'),
    io,
    async (administration, [id = '']) => shown(await administration.changeClient(id, { disabled: true })),
  )

  administrationVerb(
    client.command('enable <client-id>').description('switch it on again'),
    io,
    async (administration, [id = '']) => shown(await administration.changeClient(id, { disabled: false })),
  )

  administrationVerb(
    client.command('delete <client-id>').description('delete it; its tokens are dead, its id is never used again'),
    io,
    async (administration, [id = '']) => {
      await administration.deleteClient(id)
      return { json: { deleted: id }, text: `deleted ${id}\n` }
    },
  )
}

function withFields(command: Command): Command {
  for (const [name, value, description] of fields)
    command.addOption(new Option(`--${name.replaceAll('_', '-')} ${value}`, description))
  return command
    .option('--jwks <file>', 'with private_key_jwt or http_message_signature: its public keys, a JWK Set')
    .option('--require-one-time-code', 'with http_message_signature: a one-time code in each request')
    .option('--loopback-only', 'works only between two ends on this machine')
    .option('--require-second-factor', 'nobody gets a token for it without a second factor')
    .option('--file <file>', 'a JSON document in place of or below the flags; - for standard input')
}

async function documentOf(io: Io, options: Options): Promise<Document> {
  const file = textOption(options, 'file')
  const jwks = textOption(options, 'jwks')
  const said = fields.flatMap(([name]) => {
    const value = options[name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase())]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...(file !== undefined && (await readJson(io, file, '--file'))),
    ...Object.fromEntries(said),
    ...(jwks !== undefined && { jwks: await readJson(io, jwks, '--jwks') }),
    ...(flagOption(options, 'requireOneTimeCode') && { require_one_time_code: true }),
    ...(flagOption(options, 'loopbackOnly') && { loopback_only: true }),
    ...(flagOption(options, 'requireSecondFactor') && { require_second_factor: true }),
  }
}

async function readJson(io: Io, path: string, flag: string): Promise<Document> {
  let text: string
  try {
    text = path === '-' ? await readStandardInput(io) : readFileSync(resolve(io.workingDirectory, path), 'utf8')
  } catch (error) {
    if (error instanceof CliFailure) throw error
    throw new CliFailure(`${flag} ${path} can't be read; check the path`)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Document
  } catch {
    // Said below, without the parser's quotation of what it read.
  }
  throw new CliFailure(`${flag} ${path} holds no JSON object`)
}

function shown(document: Document): Answer {
  const { client_secret: secret, client_secret_expires_at: _never, one_time_code_secret: code, ...rest } = document
  const text = card({ ...rest, client_id_issued_at: instant(document['client_id_issued_at']) })
  const once = Object.entries({ client_secret: secret, one_time_code_secret: code })
    .filter(([, value]) => typeof value === 'string')
    .map(([name, value]) => `${name}  ${String(value)}  (shown once)\n`)
  return { json: document, text: text + once.join('') }
}
