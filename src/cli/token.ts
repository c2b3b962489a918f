import type { Command } from 'commander'
import { isRefusal } from '../protocol/errors.ts'
import { reasons } from '../protocol/reasons.ts'
import { liveToken } from '../sender/live-token.ts'
import { withDischarges } from '../tokens/discharge-token.ts'
import { attenuateToken } from '../tokens/attenuate-token.ts'
import { createDirectory } from '../store/directory.ts'
import { administrationVerb } from './administer.ts'
import { all } from './administration.ts'
import { readStandardInput } from './ask-password.ts'
import { CliFailure } from './failure.ts'
import { inspectToken } from './inspect-token.ts'
import type { Io } from './io.ts'
import { openLocal } from './local.ts'
import { mintDocument } from './mint-options.ts'
import { openRings } from './open-rings.ts'
import { collect, flagOption, storeSettings, textOption, withServer, withSettings } from './options.ts'
import { card, instant, table, type Answer } from './print.ts'
import { remoteSession } from './remote-session.ts'
import { issuerOf } from './token-issuer.ts'
import { verb, type Options } from './verb.ts'

/** Adds `gatehouse token`. TOKEN may be `-`: then it is read from standard input, where nobody sees it in a list of processes. */
export function registerToken(program: Command, io: Io): void {
  const token = program
    .command('token')
    .description('mint, narrow, look into, verify and revoke tokens; TOKEN may be - for standard input')
  const given = async (text: string | undefined): Promise<string> =>
    text === '-' ? readStandardInput(io) : (text ?? '')

  administrationVerb(
    withSettings(
      token
        .command('mint')
        .description('make an access token for an account, without its sign-in')
        .option('--user <name>', 'the account that it is for; none with --connection to one of a client or of a handle')
        .option('--format <format>', 'jwt, opaque or macaroon (default: jwt)')
        .option(
          '--ttl <seconds>',
          'how long it lives: at most an hour for jwt; unless said, an hour with --connection, else 31 days',
        )
        .option('--scope <text>', 'what it may do, separated by spaces (default: openid me, or all that the API knows)')
        .option('--resource <uri>', 'the API that it is for (default: this server)')
        .option('--connection <id>', "a macaroon for one connection: its provider's API, and nothing else")
        .option('--caveat <text>', 'narrows a macaroon from the beginning; may come more than once', collect)
        .option('--name <text>', 'what people read in the list of grants')
        .option('--env-format', 'print a line for an environment file'),
      ['issuer', 'port'],
    ),
    io,
    async (administration, _args, options) => {
      const [user, connection] = [textOption(options, 'user'), textOption(options, 'connection')]
      if (user === undefined && connection === undefined)
        throw new CliFailure('name the account with --user', { exitCode: 2 })
      const made = await administration.mintToken(user, mintDocument(options))
      const text = String(made['token'])
      return { json: made, text: flagOption(options, 'envFormat') ? `GATEHOUSE_TOKEN="${text}"\n` : `${text}\n` }
    },
  )

  administrationVerb(
    token.command('list <name>').description('the tokens for scripts that an account has'),
    io,
    async (administration, [name = '']) => {
      const tokens = await all(administration.tokens(name))
      const rows = tokens.map((each) => ({ ...each, expires_at: instant(each['expires_at']) }))
      return {
        json: { items: tokens },
        text: table(rows, ['grant_id', 'name', 'format', 'scope', 'resource', 'expires_at']),
      }
    },
  )

  administrationVerb(
    token.command('disable <name> <grant-id>').description('end one of them; see gatehouse token list'),
    io,
    async (administration, [name = '', grantId = '']) => {
      await administration.endToken(name, grantId)
      return { json: { disabled: grantId }, text: `disabled ${grantId}\n` }
    },
  )

  verb(
    token
      .command('attenuate <token>')
      .description('narrow a macaroon, offline; what comes out is worth less, never more')
      .requiredOption('--caveat <text>', 'for example "method = GET"; may come more than once', collect),
    io,
    async ([text], options) => {
      const caveats = Array.isArray(options['caveat']) ? options['caveat'].map(String) : []
      const narrowed = attenuateToken(await given(text), caveats)
      if ('refused' in narrowed) throw new CliFailure(attenuationProblems[narrowed.refused])
      return { json: narrowed, text: `${narrowed.token}\n` }
    },
  )

  verb(
    token
      .command('bind <token>')
      .description('put a macaroon and the discharges of its third-party caveats together, offline')
      .requiredOption('--discharge <text>', 'as /oauth/discharge gave it; may come more than once', collect),
    io,
    async ([text], options) => {
      const discharges = Array.isArray(options['discharge']) ? options['discharge'].map(String) : []
      const bound = withDischarges(await given(text), discharges)
      if (bound === undefined) throw new CliFailure('the token or a discharge is no macaroon; copy them whole')
      return { json: { token: bound }, text: `${bound}\n` }
    },
  )

  verb(
    token.command('inspect <token>').description('what it says, offline and without believing it'),
    io,
    async ([text]) => {
      const seen = inspectToken(await given(text))
      return { json: seen, text: `${card(timed(seen))}nothing of this is verified: see gatehouse token verify\n` }
    },
  )

  verb(
    withServer(
      withSettings(
        token.command('verify <token>').description('whether an access token holds now, and for whom'),
        storeSettings,
      ),
    ),
    io,
    async ([text], options) => {
      const server = textOption(options, 'server')
      return server === undefined
        ? verifyHere(io, options, await given(text))
        : remoteSession(server, await given(text))
    },
  )

  administrationVerb(
    token.command('revoke <token>').description('end an access token, or a refresh token with all that came of it'),
    io,
    async (administration, [text]) => {
      const ended = await administration.revokeToken(await given(text))
      return { json: ended, text: `revoked ${String(ended['revoked']).replace('_', ' ')}\n` }
    },
  )
}

const attenuationProblems = {
  malformed: 'this is no macaroon; copy it whole',
  caveat:
    'a caveat is none of time <, scope =, aud =, connection =, endpoint =, method =, path =, ip =, or not in its one spelling; see docs/macaroons.md',
  discharged: 'its discharges are bound to it as it is; narrow it first and get them then',
} as const

async function verifyHere(io: Io, options: Options, text: string): Promise<Answer> {
  const local = await openLocal(io, options)
  try {
    const keys = await openRings(local)
    const directory = await createDirectory(local)
    const issuer = issuerOf(keys, text) ?? local.config.issuer
    const live = await liveToken({ ...local, issuer, keys, directory }, text)
    directory.close()
    if (isRefusal(live)) throw new CliFailure(`the token doesn't hold: ${reasons[live.reason]} (${live.reason})`)
    const { claims, user } = live
    const seen = {
      active: true,
      iss: claims.iss,
      sub: claims.sub,
      ...(user !== undefined && { username: user.username, role: user.role }),
      client_id: claims.clientId,
      aud: claims.aud,
      scope: claims.scope.join(' '),
      iat: claims.iat,
      exp: claims.exp,
      jti: claims.jti,
      gid: claims.gid,
      epoch: claims.epoch,
    }
    return { json: seen, text: card(timed(seen)) }
  } finally {
    await local.close()
  }
}

/** Instants as people read them. */
function timed(seen: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(seen).map(([name, value]) => [
      name,
      ['iat', 'exp', 'auth_time', 'nbf'].includes(name) ? instant(value) : value,
    ]),
  )
}
