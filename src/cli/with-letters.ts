import type { InvitationContext } from '../accounts/invite-user.ts'
import type { Local } from './local.ts'
import { openRings } from './open-rings.ts'

/** Letters are put into the outbox here; the server on this store sends them. */
export async function withLetters(local: Local): Promise<Local & InvitationContext> {
  const { mail, issuer, users } = local.config
  const outbox = mail === undefined ? undefined : { wake: () => undefined }
  return { ...local, issuer, usersPolicy: () => users, outbox, keys: await openRings(local) }
}
