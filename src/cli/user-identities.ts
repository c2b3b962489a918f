import type { Command } from 'commander'
import { administrationVerb } from './administer.ts'
import type { Io } from './io.ts'
import { textOption } from './options.ts'

/** Adds `user link` and `user unlink`. */
export function registerIdentities(user: Command, io: Io): void {
  administrationVerb(
    user
      .command('link <name> <provider>')
      .description('let somebody who is known to a provider sign in as this account')
      .requiredOption('--subject <id>', 'the stable id of the person there; never a name or an address')
      .option('--label <text>', 'what the person is called there, to recognise it by'),
    io,
    async (administration, [name = '', provider = ''], options) => {
      const label = textOption(options, 'label')
      const fields = { provider, subject: textOption(options, 'subject') ?? '', ...(label !== undefined && { label }) }
      const { user_id } = await administration.user(name)
      const linked = await administration.linkIdentity(String(user_id), fields)
      return { json: { user_id, ...linked }, text: `${name} signs in as ${String(linked['label'])} of ${provider}\n` }
    },
  )
  administrationVerb(
    user.command('unlink <name> <provider>').description('nobody signs in as this account by that provider any more'),
    io,
    async (administration, [name = '', provider = '']) => {
      const { user_id } = await administration.user(name)
      await administration.unlinkIdentity(String(user_id), provider)
      return { json: { user_id, provider }, text: `${provider} is unlinked from ${name}\n` }
    },
  )
}
