import type { OAuthProvider } from '../config/provider.ts'
import type { Flow, FlowPurpose } from '../domain/flow.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { create, ref } from '../domain/record.ts'
import type { Seconds } from '../protocol/time.ts'
import { commitNew } from '../store/transition.ts'
import { beginUpstream } from './begin-upstream.ts'
import type { FlowContext } from './context.ts'
import { flowIdOf, flowSecrets } from './flow-secrets.ts'
import type { UpstreamRefused, UpstreamUnavailable } from './upstream-answer.ts'

export type AskedFlow = {
  readonly purpose: FlowPurpose
  readonly browserHash: string
  readonly scope: readonly string[]
  /** Ask for a refresh token, where that takes asking. */
  readonly offline: boolean
  /** How long ago the person may have proved himself to the provider; 0: he must do it anew. */
  readonly maxAge?: Seconds | undefined
}

export type OpenedFlow = { readonly kind: 'begun'; readonly url: string } | UpstreamUnavailable | UpstreamRefused

/**
 * Remember that this browser goes to a provider, for what, and where to send it. The state is minted here (L03), kept as a hash,
 * and lives ten minutes. Whoever calls counts the attempt first.
 */
export async function openFlow(context: FlowContext, provider: OAuthProvider, asked: AskedFlow): Promise<OpenedFlow> {
  const { purpose, browserHash, offline, maxAge } = asked
  // What is demanded of ID tokens is demanded of connections too, whatever scope they name: one has to come.
  const demands = Object.keys(provider.requiredClaims).length > 0 && !asked.scope.includes('openid')
  const scope = demands ? ['openid', ...asked.scope] : asked.scope
  const { keyId } = context.keys.secret('mac')
  const state = context.random.text(32)
  const id = flowIdOf(state)
  const secrets = flowSecrets(context.keys, keyId, state)
  if (id === undefined || secrets === undefined) throw new Error('the active key of the ring mac is gone')
  const redirectUri = callbackUri(context.issuer, provider)
  const begun = await beginUpstream(context, provider, {
    state,
    secrets,
    redirectUri,
    scope,
    offline,
    maxAge,
  })
  if (begun.kind !== 'begun') return begun
  const createdAt = context.clock.seconds()
  const flow: Flow = {
    v: 1,
    provider: provider.name,
    purpose,
    browserHash,
    keyId,
    redirectUri,
    scope,
    createdAt,
    ...(maxAge !== undefined && { maxAge }),
  }
  await commitNew(context.transition, [
    create(ref('flow', id), flow, { owners: [], expiresAt: createdAt + lifetimes.interaction }),
  ])
  return begun
}

/** Where a provider sends browsers back to: one path for each, so that no answer can be taken for another's (L06). */
export function callbackUri(issuer: string, provider: Pick<OAuthProvider, 'callbackPath'>): string {
  return issuer + provider.callbackPath
}
