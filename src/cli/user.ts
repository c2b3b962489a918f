import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { generatePassword } from '../accounts/generate-password.ts'
import { administrationVerb } from './administer.ts'
import { all, type Document } from './administration.ts'
import { askNewPassword, readStandardInput } from './ask-password.ts'
import { CliFailure } from './failure.ts'
import { importUsers } from './import-users.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import { collect, flagOption, textOption } from './options.ts'
import { card, instant, table, type Answer } from './print.ts'
import { readRole } from './user-document.ts'
import { registerInvitations } from './user-invitations.ts'
import { registerIdentities } from './user-identities.ts'
import type { Options } from './verb.ts'

/** Adds `gatehouse user`. */
export function registerUser(program: Command, io: Io): void {
  const user = program.command('user').description('accounts of people and bots; NAME is a user name or an id')
  registerIdentities(user, io)
  registerInvitations(user, io)

  administrationVerb(
    user
      .command('create <name>')
      .description('make an account')
      .option('--role <role>', 'editor, admin or superuser', 'editor')
      .option('--full-name <name>', "the person's name")
      .option('--email <address>', "the person's address")
      .option('--scope <scope>', 'a scope beyond those of the role; may come more than once', collect)
      .option('--bot', 'a program, not a person')
      .option('--wrangler <name>', 'the person who answers for the bot')
      .option('--password-stdin', 'read the password from standard input')
      .option(
        '--no-password',
        'leave it without a password, as where there is no terminal to ask at: nobody signs in as it yet',
      ),
    io,
    async (administration, [name], options) => {
      const asks = options['password'] !== false && !['passwordStdin', 'bot'].some((flag) => flagOption(options, flag))
      // A script that says no password gets an account without one, and is told so.
      const silent = asks && !io.stdin.isTTY
      const password = silent ? undefined : await passwordOf(io, options)
      const document = await administration.createUser({
        username: name,
        role: readRole(textOption(options, 'role')),
        ...optional('full_name', textOption(options, 'fullName')),
        ...optional('email', textOption(options, 'email')),
        ...(Array.isArray(options['scope']) && { scopes: options['scope'] }),
        ...(flagOption(options, 'bot') && { bot: true }),
        ...optional('wrangler', textOption(options, 'wrangler')),
        ...optional('password', password),
      })
      if (silent)
        io.err(`no password: nobody signs in as it until gatehouse user set-password ${String(document['username'])}\n`)
      return shown(document)
    },
  )

  localVerb(
    user
      .command('import <file>')
      .description(
        'take in accounts with the ids, epochs and password hashes that they had on another server, on the store alone (the API gives every account a new id); one JSON object a line (user_id, username, role, bot, wrangler, full_name, email, scopes, epoch, locked, password_hash, identities)',
      ),
    { io, changes: true },
    async (local, [file = '']) => {
      const text = await readFile(resolve(io.workingDirectory, file), 'utf8').catch(() => {
        throw new CliFailure(`the file ${file} can't be read`)
      })
      const seen = await importUsers(local, text)
      return { json: seen, text: `${seen.imported} imported, ${seen.there} were there\n` }
    },
  )

  administrationVerb(user.command('list').description('every account'), io, async (administration) => {
    const users = await all(administration.users())
    const rows = users.map((each) => ({
      ...each,
      kind: each['bot'] === true ? 'bot' : 'person',
      locked: each['locked'] === true ? 'locked' : '',
    }))
    return {
      json: { items: users },
      text: table(rows, ['user_id', 'username', 'role', 'kind', 'locked', 'full_name', 'email']),
    }
  })

  administrationVerb(user.command('show <name>').description('one account'), io, async (administration, [name = '']) =>
    shown(await administration.user(name)),
  )

  const change = (command: Command, fieldsOf: (args: readonly string[]) => Document): Command =>
    administrationVerb(command, io, async (administration, args) =>
      shown(await administration.changeUser(args[0] ?? '', fieldsOf(args.slice(1)))),
    )

  change(
    user
      .command('set-role <name> <role>')
      .description('editor, admin or superuser; ends its tokens, a lower one those of its bots too'),
    ([role]) => ({ role: readRole(role) }),
  )
  change(
    user.command('set-scopes <name> [scopes...]').description('replace the scopes beyond those of its role'),
    (scopes) => ({ scopes }),
  )
  change(
    user
      .command('set-wrangler <name> <wrangler>')
      .description('the person who answers for a bot from now on; ends its tokens'),
    ([wrangler]) => ({ wrangler }),
  )
  change(
    user.command('rename <name> <new-name>').description('give it another user name; the old one is free'),
    ([username]) => ({ username }),
  )
  change(
    user.command('lock <name>').description('nobody gets in, and every session and token ends, those of its bots too'),
    () => ({
      locked: true,
    }),
  )
  change(user.command('unlock <name>').description('let it in again; nothing that ended comes back'), () => ({
    locked: false,
  }))

  administrationVerb(
    user
      .command('set-password <name>')
      .description('a new password; ends its sessions and tokens')
      .option('--password-stdin', 'read it from standard input')
      .option('--generate', 'make one and print it once'),
    io,
    async (administration, [name = ''], options) => {
      const generated = flagOption(options, 'generate') ? generatePassword(io.system.random) : undefined
      const password = generated ?? (await passwordOf(io, { ...options, password: true })) ?? ''
      const document = await administration.changeUser(name, { password })
      if (generated === undefined) return shown(document)
      return {
        json: { ...document, password: generated },
        text: `${card(readable(document))}password  ${generated}  (shown once)\n`,
      }
    },
  )

  administrationVerb(
    user
      .command('revoke-tokens [name]')
      .description('end every session and token of one account')
      .option('--everyone', 'of all accounts and clients'),
    io,
    async (administration, [name], options) => {
      const everyone = flagOption(options, 'everyone')
      if (everyone === (name !== undefined)) throw new CliFailure('say either NAME or --everyone', { exitCode: 2 })
      const answer =
        name === undefined ? await administration.revokeEverything() : await administration.revokeTokens(name)
      return { json: answer, text: `epoch  ${answer.epoch}\n` }
    },
  )

  administrationVerb(
    user
      .command('reset-factors <name>')
      .description('take a lost second factor off an account, and its recovery codes; ends its sessions and tokens'),
    io,
    async (administration, [name = '']) => {
      const answer = await administration.resetFactors(name)
      return { json: answer, text: `epoch  ${answer.epoch}\n` }
    },
  )

  administrationVerb(
    user.command('delete <name>').description('delete it; the name is free, the id is never used again'),
    io,
    async (administration, [name = '']) => {
      await administration.deleteUser(name)
      return { json: { deleted: name }, text: `deleted ${name}\n` }
    },
  )
}

/** By standard input, at the terminal, or none. */
async function passwordOf(io: Io, options: Options): Promise<string | undefined> {
  if (flagOption(options, 'passwordStdin')) return readStandardInput(io)
  if (options['password'] === false || flagOption(options, 'bot')) return undefined
  return askNewPassword(io)
}

const optional = (name: string, value: string | undefined): Document => (value === undefined ? {} : { [name]: value })

const readable = (document: Document): Document => ({ ...document, created_at: instant(document['created_at']) })

const shown = (document: Document): Answer => ({ json: document, text: card(readable(document)) })
