import type { InvitationRequest } from '../accounts/invite-user.ts'
import type { NewUser } from '../accounts/new-user.ts'
import type { Linking } from '../accounts/link-identity.ts'
import type { UserPatch } from '../accounts/patch-user.ts'
import type { Role, User } from '../domain/user.ts'
import type { Document } from './administration.ts'
import { CliFailure } from './failure.ts'

export const roles: readonly Role[] = ['editor', 'admin', 'superuser']

type Named = (name: string) => Promise<User>

/** An account to be, from the words of the command line in wire names; the wrangler comes as a name. */
export async function readNewUser(fields: Document, named: Named): Promise<NewUser> {
  const username = text(fields, 'username')
  if (username === undefined) throw new CliFailure('username is missing', { exitCode: 2 })
  const bot = fields['bot'] === true
  return { username, ...(await shared(fields, named)), ...(bot && { bot }) }
}

export function readInvitation(fields: Document): InvitationRequest {
  const [username, fullName, email] = ['username', 'full_name', 'email'].map((name) => text(fields, name))
  const role = readRole(text(fields, 'role'))
  const scopes = fields['scopes']
  return {
    language: text(fields, 'language') ?? 'en',
    ...(username !== undefined && { username }),
    ...(fullName !== undefined && { fullName }),
    ...(email !== undefined && { email }),
    ...(role !== undefined && { role }),
    ...(Array.isArray(scopes) && { scopes: scopes.filter((scope) => typeof scope === 'string') }),
  }
}

/** As `POST /api/v1/users/{id}/identities` takes it. */
export function readLinking(fields: Document): Omit<Linking, 'issuer'> {
  const [provider, subject] = [text(fields, 'provider'), text(fields, 'subject')]
  if (provider === undefined || subject === undefined || subject === '')
    throw new CliFailure('provider or --subject is missing', { exitCode: 2 })
  return { provider, subject, label: text(fields, 'label') ?? subject }
}

export async function readUserPatch(fields: Document, named: Named): Promise<UserPatch> {
  const username = text(fields, 'username')
  const locked = fields['locked']
  return {
    ...(username !== undefined && { username }),
    ...(await shared(fields, named)),
    ...(typeof locked === 'boolean' && { locked }),
  }
}

async function shared(fields: Document, named: Named) {
  const [password, fullName, email, wrangler] = ['password', 'full_name', 'email', 'wrangler'].map((name) =>
    text(fields, name),
  )
  const role = readRole(text(fields, 'role'))
  const scopes = fields['scopes']
  return {
    ...(password !== undefined && { password }),
    ...(fullName !== undefined && { fullName }),
    ...(email !== undefined && { email }),
    ...(role !== undefined && { role }),
    ...(wrangler !== undefined && { wrangler: (await named(wrangler)).userId }),
    ...(Array.isArray(scopes) && { scopes: scopes.filter((scope) => typeof scope === 'string') }),
  }
}

/** M11: one spelling of each role. */
export function readRole(given: string | undefined): Role | undefined {
  const role = roles.find((known) => known === given)
  if (given !== undefined && role === undefined)
    throw new CliFailure(`the role must be one of ${roles.join(', ')}`, { exitCode: 2 })
  return role
}

function text(fields: Document, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'string' ? value : undefined
}
