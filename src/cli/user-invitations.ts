import type { Command } from 'commander'
import { languages } from '../i18n/messages/catalogue.ts'
import { administrationVerb } from './administer.ts'
import { all } from './administration.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { collect, textOption, withSettings } from './options.ts'
import { instant, table } from './print.ts'
import { readRole } from './user-document.ts'

/** Adds `user invite`, `user invitations` and `user uninvite`. */
export function registerInvitations(user: Command, io: Io): void {
  administrationVerb(
    withSettings(
      user
        .command('invite')
        .description('let somebody make an account for himself: by letter, or by a link that is printed once')
        .option('--email <address>', 'where letters are sent, the link goes there and proves the address')
        .option('--username <name>', 'what the person is offered as user name')
        .option('--full-name <name>', "the person's name")
        .option('--role <role>', 'editor, admin or superuser', 'editor')
        .option('--scope <scope>', 'a scope beyond those of the role; may come more than once', collect)
        .option('--language <language>', 'of the letter: en, or another that the pages speak'),
      ['issuer', 'port'],
    ),
    io,
    async (administration, _args, options) => {
      const language = textOption(options, 'language')
      if (language !== undefined && !languages.some((known) => known === language))
        throw new CliFailure(`--language is one of ${languages.join(', ')}`, { exitCode: 2 })
      const named = { email: 'email', username: 'username', full_name: 'fullName', language: 'language' } as const
      const fields = Object.fromEntries(
        Object.entries(named).flatMap(([field, option]) => {
          const value = textOption(options, option)
          return value === undefined ? [] : [[field, value]]
        }),
      )
      const made = await administration.inviteUser({
        ...fields,
        role: readRole(textOption(options, 'role')),
        ...(Array.isArray(options['scope']) && { scopes: options['scope'] }),
      })
      const url = made['url']
      const until = instant(made['expires_at'])
      return {
        json: made,
        text:
          typeof url === 'string'
            ? `${url}\nwhoever opens it first makes the account; it works once, until ${until}\n`
            : `a letter to ${String(made['email'])} is on its way; its link works once, until ${until}\n`,
      }
    },
  )

  administrationVerb(
    user.command('invitations').description('those that wait, without their links'),
    io,
    async (administration) => {
      const invitations = await all(administration.invitations())
      const rows = invitations.map((each) => ({ ...each, expires_at: instant(each['expires_at']) }))
      const columns = ['invitation_id', 'email', 'username', 'role', 'invited_by', 'expires_at']
      return { json: { items: invitations }, text: table(rows, columns) }
    },
  )

  administrationVerb(
    user.command('uninvite <invitation-id>').description('take an invitation back'),
    io,
    async (administration, [id = '']) => {
      await administration.withdrawInvitation(id)
      return { json: { withdrawn: id }, text: `withdrawn ${id}\n` }
    },
  )
}
