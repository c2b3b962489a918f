import { z } from 'zod'
import { printUser } from '../../accounts/print-user.ts'
import { languages } from '../../i18n/messages/catalogue.ts'
import type { User } from '../../domain/user.ts'

export const userId = z
  .string()
  .regex(/^usr_[A-Za-z0-9_-]{1,64}$/)
  .meta({ description: 'Opaque, never reused.' })

export const instant = z.int().min(0).meta({ description: 'Seconds since 1970-01-01T00:00:00Z.' })
export const epoch = z.int().min(0).meta({ description: 'Raising it ends every session and token issued before.' })
export const role = z.enum(['editor', 'admin', 'superuser'])

const username = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'Unique after normalisation: capitals and full-width letters are the same name.' })
const fullName = z.string().min(1).max(200)
const email = z.string().min(3).max(254)
const password = z
  .string()
  .min(1)
  .max(1_024)
  .meta({ description: 'At least 10 characters that are not easy to guess. Never in an answer.', writeOnly: true })
const scopes = z.array(z.string().min(1).max(128)).max(64).meta({
  description:
    'Scopes that the account was given beyond those of its role: of APIs that list them in `held_scopes`, or `introspect`, `accounts:provision`, `leaks:report`. Never `admin`, `vault` or one that begins with these and a colon, but for `vault:PROVIDER`, which an API may list.',
})

export const user = z
  .strictObject({
    user_id: userId,
    username: z.string(),
    full_name: z.string().nullable(),
    email: z.string().nullable(),
    email_verified: z.boolean(),
    language: z
      .string()
      .nullable()
      .meta({ description: 'Of letters that nobody asked for: of the page on which the address was proved.' }),
    role: role.meta({ description: 'Of a bot at most that of the person who answers for it.' }),
    bot: z.boolean(),
    wrangler: z.string().nullable().meta({ description: 'User id of the person who answers for a bot.' }),
    scopes: z.array(z.string()),
    locked: z
      .boolean()
      .meta({ description: 'A bot is locked too where the person who answers for it is, or is gone.' }),
    epoch,
    created_at: instant,
  })
  .meta({ id: 'User', description: 'An account.' })

type Shown = z.input<typeof user>

/** Printed where the command line prints it too; that it is of this shape is what the tests of the answers check. */
export const shownUser = (of: User): Shown => printUser(of) as Shown

export const newUser = z
  .strictObject({
    username: username
      .exactOptional()
      .meta({ description: 'Unique after normalisation. Needed, but for an invitation: the invited person chooses.' }),
    invite: z
      .boolean()
      .exactOptional()
      .meta({ description: 'Make an invitation instead: whoever accepts it chooses name and password.' }),
    language: z.enum(languages).exactOptional().meta({ description: 'Of the letter that invites. Default: en.' }),
    password: password.exactOptional(),
    full_name: fullName.exactOptional(),
    email: email.exactOptional(),
    role: role.exactOptional().meta({ description: 'Default: editor.' }),
    scopes: scopes.exactOptional(),
    bot: z.boolean().exactOptional(),
    wrangler: userId
      .exactOptional()
      .meta({ description: 'User id of the person who answers for a bot. A bot needs one.' }),
  })
  .meta({ id: 'NewUser', description: 'An account to be. Without a password nobody signs in as it.' })

const ownChange = {
  username: username.exactOptional(),
  full_name: fullName.nullable().exactOptional().meta({ description: 'null takes it away.' }),
  email: email
    .nullable()
    .exactOptional()
    .meta({ description: 'null takes it away. A new address counts as unverified.' }),
}

/** What a person may change about himself. Role, scopes, lock and epoch aren't his. */
export const selfChange = z
  .strictObject(ownChange)
  .meta({ id: 'SelfChange', description: 'Members left out stay as they are.' })

export const userChange = z
  .strictObject({
    ...ownChange,
    password: password
      .exactOptional()
      .meta({ description: 'A new password. Ends every session and token of the account.', writeOnly: true }),
    role: role.exactOptional().meta({
      description: 'Another role ends every session and token of the account; a lower one those of its bots too.',
    }),
    scopes: scopes.exactOptional().meta({
      description:
        'Replaces them. Any other set than before, a larger one too, ends every session and token of the account.',
    }),
    wrangler: userId
      .exactOptional()
      .meta({ description: 'Of a bot: who answers for it from now on. Another one ends its tokens.' }),
    locked: z.boolean().exactOptional().meta({
      description: 'Locking ends every session and token, those of its bots too; unlocking brings none back.',
    }),
  })
  .meta({ id: 'UserChange', description: 'Members left out stay as they are. All of it happens, or none.' })

export const newEpoch = z.strictObject({ epoch }).meta({ id: 'NewEpoch' })

export const exampleUser: Shown = {
  user_id: 'usr_5cQ0dJzYwVbW9o0mUj6B4Q',
  username: 'ada',
  full_name: 'Ada Lovelace',
  email: 'ada@example.org',
  email_verified: false,
  language: null,
  role: 'editor',
  bot: false,
  wrangler: null,
  scopes: [],
  locked: false,
  epoch: 1,
  created_at: 1_795_000_000,
}
