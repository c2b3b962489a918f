import { eventWrite } from '../audit/event-write.ts'
import type { Actor } from '../domain/authority.ts'
import { epochOf } from '../domain/epoch.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Grant } from '../domain/grant.ts'
import { ref, type Decision, type Write } from '../domain/record.ts'
import { revokeAccessToken } from '../domain/revoke-access-token.ts'
import { revokeGrant } from '../domain/revoke-grant.ts'
import { sameImprint } from '../domain/same-imprint.ts'
import type { User } from '../domain/user.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import type { Keys } from '../keys/keys.ts'
import type { Directory } from '../store/directory.ts'
import { transition } from '../store/transition.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import type { Credential } from '../tokens/credential.ts'
import { readRefreshToken } from '../tokens/refresh.ts'
import { verifyAccess } from '../tokens/verify.ts'
import { mintedClientId } from './minted-client.ts'
import { actorName } from './permit.ts'
import { noticeWrites } from './notice-writes.ts'
import type { LettersContext } from './request-letter.ts'

export type LeakContext = LettersContext & {
  readonly issuer: string
  readonly directory: Directory
  readonly keys: LettersContext['keys'] & Pick<Keys, 'learn'>
}

export type Leak = {
  readonly text: string
  /** Where it was found. */
  readonly source?: string
  readonly actor: Actor
  readonly address: string
}

/**
 * A text that somebody found where others can read it. If it is a token of ours that holds, it ends: a refresh token or a token for
 * a script with all that came of its grant, another access token alone; and the account's person gets a letter. Everything else is
 * as if nobody had asked, so a report is worth nothing to whoever guesses (K18).
 */
export async function reportLeak(context: LeakContext, leak: Leak): Promise<void> {
  const { issuer, keys, clock } = context
  const expected = { issuer, now: clock.seconds(), context: 'any' } as const
  const found = await readWithNewest(
    keys,
    () => readRefreshToken(keys, leak.text) ?? verifyAccess(keys, leak.text, expected),
    (read) => 'refused' in read,
  )
  if ('recordId' in found)
    await endFamily(context, leak, { grantId: found.recordId, which: (grant) => isNewest(grant, found) })
  else if (!('refused' in found)) await endAccess(context, leak, found)
}

/** One that was used up is worth nothing to whoever found it. */
function isNewest({ refresh }: Grant, { generation, imprint }: Credential): boolean {
  return refresh !== undefined && refresh.generation === generation && sameImprint(refresh.current, imprint)
}

async function endAccess(context: LeakContext, leak: Leak, claims: AccessClaims): Promise<void> {
  const { directory, transition: records } = context
  // A capability to nobody's connection has no grant.
  if (claims.clientId === mintedClientId && claims.sub !== claims.clientId && claims.imported !== true)
    return endFamily(context, leak, { grantId: claims.gid, which: () => true })
  const client = await directory.client(claims.clientId)
  const user = claims.sub === claims.clientId ? undefined : await directory.user(claims.sub)
  const [grant] = await records.store.read([ref('grant', claims.gid)])
  const ended = (grant?.value as Grant | undefined)?.revokedAt !== undefined
  const alive =
    claims.imported === true ||
    (client !== undefined && !ended && claims.epoch === epochOf(await directory.instance(), user, client))
  if (!alive) return
  const about = { clientId: claims.clientId, grantId: claims.gid, jti: claims.jti }
  const leaked = leakWrites(context, leak, { user, about })
  const told = await transition(records, { revoked: ref('revoked', claims.jti) }, (slots, now): Decision<boolean> => {
    const { writes } = revokeAccessToken(slots.revoked, { now, exp: claims.exp, event: leaked.event })
    return writes.length === 0 ? { writes, result: false } : { writes: [...writes, ...leaked.letter], result: true }
  })
  if (told) context.outbox?.wake()
}

async function endFamily(
  context: LeakContext,
  leak: Leak,
  { grantId, which }: { readonly grantId: string; readonly which: (grant: Grant) => boolean },
): Promise<void> {
  const { directory, random, clock } = context
  const [before] = await context.transition.store.read([ref('grant', grantId)])
  const known = before?.value as Grant | undefined
  const user = known === undefined ? undefined : await directory.user(known.userId)
  const client = known === undefined ? undefined : await directory.client(known.clientId)
  if (known === undefined || user === undefined || client === undefined) return
  if (known.epoch !== epochOf(await directory.instance(), user, client)) return
  const leaked = leakWrites(context, leak, { user, about: { clientId: known.clientId, grantId } })
  const eventId = random.id(clock.millis())
  const told = await transition(
    context.transition,
    { grant: ref('grant', grantId) },
    ({ grant }, now): Decision<boolean> => {
      if (grant.value === undefined || grant.value.revokedAt !== undefined || !which(grant.value))
        return { writes: [], result: false }
      const event = {
        v: 1,
        type: 'grant.revoked',
        at: now,
        clientId: known.clientId,
        userId: known.userId,
        grantId,
        actor: actorName(leak.actor),
        address: leak.address,
      } as const
      const { writes } = revokeGrant(grant, { now, eventId, event })
      return { writes: [...writes, leaked.event, ...leaked.letter], result: true }
    },
  )
  if (told) context.outbox?.wake()
}

/** What leaked, as its event names it. */
type About = Pick<AuditEvent, 'clientId' | 'grantId' | 'jti'>

/** What is written beside the end: who found it and where; and a letter, where there is somebody to write to. */
export function leakWrites(
  context: LettersContext,
  { actor, address, source }: Leak,
  { user, about }: { readonly user: User | undefined; readonly about: About },
): { readonly event: Write; readonly letter: readonly Write[] } {
  const event = eventWrite(context, {
    type: 'token.leaked',
    ...about,
    ...(user !== undefined && { userId: user.userId }),
    actor: actorName(actor),
    address,
    ...(source !== undefined && { target: source }),
  })
  return { event, letter: noticeWrites(context, user, 'token.leaked') }
}
