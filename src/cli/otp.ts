import { Option, type Command } from 'commander'
import { decodeBase32 } from '../crypto/base32.ts'
import { oneTimeCodeAlgorithms, totp, type OneTimeCodeAlgorithm } from '../crypto/one-time-code.ts'
import { oneTimeCodeStepSeconds } from '../protocol/one-time-code.ts'
import { readStandardInput } from './ask-password.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { textOption } from './options.ts'
import { verb } from './verb.ts'

/** Adds `gatehouse otp`. */
export function registerOtp(program: Command, io: Io): void {
  const otp = program.command('otp').description('one-time codes (RFC 6238), offline')

  verb(
    otp
      .command('code')
      .description('the code of this half minute')
      .addOption(
        new Option(
          '--secret <base32>',
          'the shared secret; - for standard input, where no list of processes shows it',
        ).makeOptionMandatory(),
      )
      .addOption(new Option('--algorithm <name>', 'of the HMAC').choices(oneTimeCodeAlgorithms).default('SHA1'))
      .addOption(new Option('--digits <number>', 'length of the code').choices(['6', '7', '8']).default('6')),
    io,
    async (_args, options) => {
      const given = textOption(options, 'secret')
      const secret = decodeBase32((given === '-' ? await readStandardInput(io) : given) ?? '')
      if (secret === undefined || secret.length === 0) {
        throw new CliFailure('--secret is not base32: letters A to Z and digits 2 to 7; copy it whole', { exitCode: 2 })
      }
      const now = io.system.clock.seconds()
      const code = totp({
        secret,
        now,
        // Commander let nothing else through.
        algorithm: textOption(options, 'algorithm') as OneTimeCodeAlgorithm,
        digits: Number(textOption(options, 'digits')) as 6 | 7 | 8,
      })
      const left = oneTimeCodeStepSeconds - (now % oneTimeCodeStepSeconds)
      return { json: { code, expires_in: left }, text: `${code}\n` }
    },
  )
}
