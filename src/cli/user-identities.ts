import type { Command } from 'commander'
import type { Outcome } from '../accounts/context.ts'
import { findUser, findUserNamed } from '../accounts/find-user.ts'
import { linkIdentity } from '../accounts/link-identity.ts'
import { unlinkIdentity } from '../accounts/unlink-identity.ts'
import type { User } from '../domain/user.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import type { Local } from './local.ts'
import { textOption } from './options.ts'
import { withLetters } from './with-letters.ts'

const actor = { kind: 'cli' } as const

/** Adds `user link` and `user unlink`. */
export function registerIdentities(user: Command, io: Io): void {
  localVerb(
    user
      .command('link <name> <provider>')
      .description('let somebody who is known to a provider sign in as this account')
      .requiredOption('--subject <id>', 'the stable id of the person there; never a name or an address')
      .option('--label <text>', 'what the person is called there, to recognise it by'),
    { io, changes: true },
    async (local, [name = '', provider = ''], options) => {
      const { userId } = await named(local, name)
      const found = local.config.providers.find((one) => one.name === provider)
      if (found === undefined) throw new CliFailure(`there is no provider ${provider}; see: gatehouse provider list`)
      const subject = textOption(options, 'subject') ?? ''
      const identity = { provider, issuer: found.issuer, subject, label: textOption(options, 'label') ?? subject }
      const linked = done(await linkIdentity(await withLetters(local), { actor, userId, identity }))
      const { issuer, label } = linked
      return {
        json: { user_id: userId, provider, issuer, subject, label },
        text: `${name} signs in as ${label} of ${provider}\n`,
      }
    },
  )
  localVerb(
    user.command('unlink <name> <provider>').description('nobody signs in as this account by that provider any more'),
    { io, changes: true },
    async (local, [name = '', provider = '']) => {
      const { userId } = await named(local, name)
      done(await unlinkIdentity(await withLetters(local), { actor, userId, provider }))
      return { json: { user_id: userId, provider }, text: `${provider} is unlinked from ${name}\n` }
    },
  )
}

async function named(local: Local, name: string): Promise<User> {
  const found = await (name.startsWith(userIdPrefix) ? findUser(local, name) : findUserNamed(local, name))
  if (found === undefined) throw new CliFailure(`there is no account ${name}; see: gatehouse user list`)
  return found
}

function done<T>(outcome: Outcome<T>): T {
  if ('done' in outcome) return outcome.done
  throw new CliFailure(outcome.refused.detail ?? outcome.refused.title)
}
