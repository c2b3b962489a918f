import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { decodeBase32 } from '../crypto/base32.ts'
import type { MessageSigningKey } from '../crypto/message-signature.ts'
import { signRequest } from '../crypto/sign-request.ts'
import { readStandardInput } from './ask-password.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { textOption } from './options.ts'
import { verb, type Options } from './verb.ts'

/** Adds `gatehouse request`. */
export function registerRequest(program: Command, io: Io): void {
  const request = program.command('request').description('requests signed by a client (RFC 9421), offline')

  verb(
    request
      .command('sign <url>')
      .description(
        'the headers that make it a signed request, a line each, as curl -H @- takes them; good for a minute, once',
      )
      .addOption(new Option('--client-id <id>', 'who signs').makeOptionMandatory())
      .option('--secret-file <file>', 'with hmac-sha256: a file that holds the client secret; - for standard input')
      .option('--key <file>', 'in place of a secret: a private key as PEM, Ed25519 or P-256')
      .option('--otp-secret-file <file>', 'for a client that must send one-time codes: a file with their base32 secret')
      .option('--method <method>', 'of the request', 'GET')
      .option('--data <text>', 'its body, as curl -d sends it')
      .option('--authorization <value>', 'its Authorization header, which is signed along'),
    io,
    async ([url = ''], options) => {
      if (URL.parse(url) === null) throw new CliFailure(`${url} is no absolute URL`, { exitCode: 2 })
      const code = textOption(options, 'otpSecretFile')
      const oneTimeCodeSecret =
        code === undefined ? undefined : decodeBase32(read(io, code, '--otp-secret-file').trim())
      if (code !== undefined && oneTimeCodeSecret === undefined)
        throw new CliFailure(`--otp-secret-file ${code} holds no base32 secret`)
      const authorization = textOption(options, 'authorization')
      const body = textOption(options, 'data')
      const signer = {
        clientId: textOption(options, 'clientId') ?? '',
        key: await keyOf(io, options),
        ...(oneTimeCodeSecret !== undefined && { oneTimeCodeSecret }),
        now: io.system.clock.seconds(),
        nonce: io.system.random.text(16),
      }
      const unsigned = {
        method: textOption(options, 'method') ?? 'GET',
        url,
        headers: { authorization },
        ...(body !== undefined && { body }),
      }
      const headers = signed(() => signRequest(unsigned, signer))
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)
      return { json: headers, text: lines.join('') }
    },
  )
}

async function keyOf(io: Io, options: Options): Promise<MessageSigningKey> {
  const secret = textOption(options, 'secretFile')
  const key = textOption(options, 'key')
  if ((secret === undefined) === (key === undefined))
    throw new CliFailure('give one of --secret-file and --key', { exitCode: 2 })
  if (key !== undefined) return { privateKey: read(io, key, '--key') }
  return { secret: secret === '-' ? await readStandardInput(io) : read(io, secret ?? '', '--secret-file').trim() }
}

function read(io: Io, path: string, flag: string): string {
  try {
    return readFileSync(resolve(io.workingDirectory, path), 'utf8')
  } catch {
    throw new CliFailure(`${flag} ${path} can't be read; check the path`)
  }
}

/** A key of another kind, or none at all: said without quoting what is in the file. */
function signed<T>(sign: () => T): T {
  try {
    return sign()
  } catch {
    throw new CliFailure('--key holds no private key that signs requests: a PEM of Ed25519 or P-256 does')
  }
}
