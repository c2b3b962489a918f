import type { SecretValue } from '../config/secret-value.ts'
import { connectionOwners, siteConnectionId, type HeldConnection } from '../domain/connection.ts'
import { withEdition } from '../domain/edition.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import { isRecalled } from '../domain/recall.ts'
import { check, put, ref, type Decision, type Ref } from '../domain/record.ts'
import { transition } from '../store/transition.ts'
import type { FlowContext } from './context.ts'
import { sealTokens } from './sealed-tokens.ts'

/**
 * Keep a site's own credential for the account that signed in with it, sealed, in place of the one before. It lives as long as the
 * session that was asked for, never in a token or a cookie of ours. Nothing is kept where the account that it came with is no more
 * that account's, or where all of the site's was recalled since (L4, L25).
 */
export async function keepCredential(
  context: Pick<FlowContext, 'transition' | 'keys' | 'random' | 'clock'>,
  about: {
    readonly userId: string
    readonly provider: string
    readonly account: string
    /** Where it stands whose the account there is. */
    readonly holder: Ref<'name'>
    /** How many recalls of the provider there had been when the site was asked. */
    readonly recallsBefore: number
    readonly credential: SecretValue
    readonly lasts: number
  },
): Promise<void> {
  const { userId, provider, account, credential, recallsBefore } = about
  const connectionId = siteConnectionId(userId, provider)
  const millis = context.clock.millis()
  const refs = {
    place: ref('connection', connectionId),
    edition: ref('edition', connectionId),
    user: ref('user', userId),
    holder: about.holder,
    instance: ref('instance', 'self'),
  }
  await transition(context.transition, refs, (slots, now): Decision<undefined> => {
    const isHis = slots.user.value !== undefined && slots.holder.value?.target === userId
    const instance = slots.instance.value
    if (!isHis || instance === undefined || isRecalled(instance, { provider, recallsBefore }))
      return { writes: [], result: undefined }
    const before = slots.place.value
    const last = before !== undefined && 'edition' in before ? (before.edition ?? 0) : 0
    // Nobody remembers an end for ever; time goes on all the same.
    const edition = bumpedEpoch(Math.max(last, slots.edition.value?.edition ?? 0), millis)
    const kept: HeldConnection = {
      v: 1,
      provider,
      owner: { kind: 'user', userId },
      ...(recallsBefore > 0 && { recallsBefore }),
      account,
      scope: [],
      state: 'active',
      ...sealTokens(context.keys, context.random, {
        at: { instanceId: instance.instanceId, kind: 'connection', id: connectionId, edition },
        tokens: { accessToken: credential },
      }),
      edition,
      refreshable: false,
      issuedAt: now,
      expiresAt: now + about.lasts,
      lastUsedAt: now,
      endsAt: now + about.lasts,
      createdAt: now,
      updatedAt: now,
    }
    const writes = [
      put(slots.place, kept, { expiresAt: now + about.lasts, owners: connectionOwners(kept) }),
      ...[slots.user, slots.holder, slots.instance].map(check),
    ]
    return withEdition(slots.edition, { writes, result: undefined }, now)
  })
}
