import { Option, type Command } from 'commander'
import { rings } from '../domain/key-lifecycle.ts'
import { printKey } from '../keys/print-key.ts'
import { newClientSecret } from '../tokens/client-secret.ts'
import { administrationVerb } from './administer.ts'
import { all } from './administration.ts'
import { readStandardInput } from './ask-password.ts'
import { CliFailure } from './failure.ts'
import { importKeyByFlags } from './import-key.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import { openRings } from './open-rings.ts'
import { flagOption, textOption } from './options.ts'
import { instant, table } from './print.ts'
import { verb } from './verb.ts'

const secretBytes = 48
const columns = ['ring', 'key_id', 'state', 'created', 'active_from', 'remove_at']

/** Adds `gatehouse key`. */
export function registerKey(program: Command, io: Io): void {
  const key = program.command('key').description('keys and their rotation')

  administrationVerb(key.command('list').description('every key of every ring'), io, async (administration) => {
    const keys = await all(administration.keys())
    return { json: { items: keys }, text: table(keys.map(readable), columns) }
  })

  verb(
    key
      .command('create')
      .description(
        'a new secret of 384 bits for GATEHOUSE_SECRET, which seals the keys in place of the key file; nothing is stored',
      )
      .option('--env-format', 'print a line for an environment file')
      .addOption(
        new Option(
          '--client-secret',
          'in place of it the secret of a client of the configuration file, 256 bits in the form that client_secret_jwt and http_message_signature want',
        ).conflicts('envFormat'),
      ),
    io,
    (_args, options) => {
      if (flagOption(options, 'clientSecret')) {
        const { secret } = newClientSecret(io.system.random)
        return Promise.resolve({ json: { client_secret: secret }, text: `${secret}\n` })
      }
      const secret = Buffer.from(io.system.random.bytes(secretBytes)).toString('base64url')
      const text = flagOption(options, 'envFormat') ? `GATEHOUSE_SECRET="${secret}"\n` : `${secret}\n`
      return Promise.resolve({ json: { secret }, text })
    },
  )

  localVerb(
    key
      .command('import <name>')
      .description(
        "take in a root key of another macaroon server, from standard input; it verifies that server's macaroons for one API, and never mints; on the store alone, since whoever can bring a key can make tokens",
      )
      .requiredOption('--resource <uri>', 'the API that its macaroons are for')
      .requiredOption('--scope <text>', 'what they may do there, separated by spaces')
      .requiredOption('--not-after <instant>', 'when it ends, for example 2030-01-31T00:00:00Z'),
    { io, changes: true },
    async (local, [name = ''], options) => {
      const flags = {
        name,
        resource: textOption(options, 'resource') ?? '',
        scope: textOption(options, 'scope') ?? '',
        notAfter: textOption(options, 'notAfter') ?? '',
      }
      const made = printKey(await importKeyByFlags(await openRings(local), await readStandardInput(io), flags))
      return { json: made, text: table([readable(made)], columns) }
    },
  )

  administrationVerb(
    key
      .command('rotate [ring]')
      .description(
        'announce the next key of a ring, or of all; a running server lets it take over when every cache has seen it',
      ),
    io,
    async (administration, [name]) => {
      // One name for the three that sign.
      const chosen = rings.filter(
        (ring) => name === undefined || ring === name || (name === 'signing' && ring.startsWith('signing-')),
      )
      if (chosen.length === 0)
        throw new CliFailure(`there is no such ring; known are signing, ${rings.join(', ')}`, { exitCode: 2 })
      const announced: Shown[] = []
      for (const ring of chosen) announced.push(await administration.rotateKey(ring))
      return { json: { items: announced }, text: table(announced.map(readable), columns) }
    },
  )
}

type Shown = Readonly<Record<string, unknown>>

const readable = (key: Shown) => ({
  ...key,
  created: instant(key['created_at']),
  active_from: instant(key['active_from']),
  remove_at: instant(key['remove_at']),
})
