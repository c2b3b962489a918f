import { epochOf } from '../domain/epoch.ts'
import { powerlessClient } from '../domain/powerless-client.ts'
import { ref, type StoredRecord } from '../domain/record.ts'
import type { Client } from '../domain/client.ts'
import type { User } from '../domain/user.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import type { CaveatContext } from '../tokens/caveat-context.ts'
import { isAfterEpochs } from './is-after-epochs.ts'
import { verifyAccess } from '../tokens/verify.ts'
import type { Keys } from '../keys/keys.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import type { Clock } from '../protocol/time.ts'
import type { Directory } from '../store/directory.ts'
import type { TransitionContext } from '../store/transition.ts'

/** An access token that holds now, and those it speaks for. */
export type LiveToken = {
  readonly claims: AccessClaims
  readonly client: Client
  /** Absent: the client acts for itself. */
  readonly user: User | undefined
}

export type SenderContext = {
  readonly issuer: string
  readonly clock: Clock
  readonly keys: TokenKeys & Pick<Keys, 'learn'>
  readonly directory: Directory
  readonly transition: TransitionContext
}

/**
 * Whether an access token of any format holds now: ours, unexpired, of nobody who was bumped, locked or removed since,
 * its grant alive and itself not revoked. Every entrance that takes access tokens comes through here.
 * `call`: what the caveats of a macaroon are measured by; what is missing there isn't met.
 */
export async function liveToken(
  context: SenderContext,
  text: string,
  call: CaveatContext = {},
): Promise<LiveToken | Refusal> {
  const { directory, transition, keys, issuer, clock } = context
  const expected = { issuer, now: clock.seconds(), context: call }
  const verify = () => verifyAccess(keys, text, expected)
  const claims = await readWithNewest(keys, verify, (found) => 'refused' in found)
  if ('refused' in claims) return refuse('invalid_token', claims.refused)

  if (claims.imported === true) return liveImported(context, claims)
  const client = await directory.client(claims.clientId)
  if (client === undefined || client.disabled) return refuse('invalid_token', 'client_disabled')
  const forItself = claims.sub === claims.clientId
  const user = forItself ? undefined : await directory.user(claims.sub)
  if (!forItself && (user === undefined || user.locked))
    return refuse('invalid_token', user === undefined ? 'user_unknown' : 'user_locked')
  if (claims.epoch !== epochOf(await directory.instance(), user, client))
    return refuse('invalid_token', 'epoch_changed')

  // A client's own token has no grant record: nothing but its `jti` could be revoked.
  const refs = forItself ? [ref('revoked', claims.jti)] : [ref('revoked', claims.jti), ref('grant', claims.gid)]
  const [revoked, grant] = await transition.store.read(refs)
  if (revoked !== undefined) return refuse('invalid_token', 'token_revoked')
  if (!forItself) {
    // Absent isn't alive: a grant outlives every token that names it.
    if (grant === undefined) return refuse('invalid_token', 'unknown_grant')
    if ((grant as StoredRecord<'grant'>).value.revokedAt !== undefined) return refuse('invalid_token', 'grant_revoked')
  }
  return { claims, client, user }
}

/** The same for what another server minted: it has no client and no grant, so account and epochs decide, and its own `jti`. */
async function liveImported(
  { directory, transition }: SenderContext,
  claims: AccessClaims,
): Promise<LiveToken | Refusal> {
  const user = await directory.user(claims.sub)
  if (user === undefined || user.locked)
    return refuse('invalid_token', user === undefined ? 'user_unknown' : 'user_locked')
  if (!isAfterEpochs(claims, await directory.instance(), user)) return refuse('invalid_token', 'epoch_changed')
  const [revoked] = await transition.store.read([ref('revoked', claims.jti)])
  if (revoked !== undefined) return refuse('invalid_token', 'token_revoked')
  // Stands where the client of a token stands: no client has such an id, and it may do nothing here.
  return { claims, client: powerlessClient(claims.clientId, claims.iat), user }
}
