import type { SecretValue } from '../config/secret-value.ts'
import { connectionOwners, siteConnectionId, type HeldConnection } from '../domain/connection.ts'
import type { Instance } from '../domain/instance.ts'
import { recallsOf } from '../domain/recall.ts'
import { check, put, ref, type Decision, type Ref } from '../domain/record.ts'
import { transition } from '../store/transition.ts'
import type { FlowContext } from './context.ts'
import { sealTokens } from './sealed-tokens.ts'

/**
 * Keep a site's own credential for the account that signed in with it, sealed, in place of the one before. It lives as long as the
 * session that was asked for, never in a token or a cookie of ours.
 */
export async function keepCredential(
  context: Pick<FlowContext, 'transition' | 'keys' | 'random'>,
  about: {
    readonly instance: Instance
    readonly userId: string
    readonly provider: string
    readonly account: string
    /** Where its identity is kept: gone by now, and nothing is. */
    readonly holder: Ref<'name'>
    readonly credential: SecretValue
    readonly lasts: number
  },
): Promise<void> {
  const { userId, provider, account, credential } = about
  const connectionId = siteConnectionId(userId, provider)
  const place = ref('connection', connectionId)
  const { instanceId } = about.instance
  const recallsBefore = recallsOf(about.instance, provider)
  await transition(context.transition, { place, holder: about.holder }, (slots, now): Decision<undefined> => {
    // Somebody may have taken the account there away from the one here meanwhile, and what it gave with it.
    if (slots.holder.value?.target !== userId) return { writes: [], result: undefined }
    const before = slots.place.value
    const edition = (before !== undefined && 'edition' in before ? before.edition : 0) + 1
    const kept: HeldConnection = {
      v: 1,
      provider,
      owner: { kind: 'user', userId },
      ...(recallsBefore > 0 && { recallsBefore }),
      account,
      scope: [],
      state: 'active',
      ...sealTokens(context.keys, context.random, {
        at: { instanceId, connectionId, edition },
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
    return {
      writes: [
        check(slots.holder),
        put(slots.place, kept, { expiresAt: now + about.lasts, owners: connectionOwners(kept) }),
      ],
      result: undefined,
    }
  })
}
