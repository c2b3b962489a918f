import { linkIdentity, otherLinked } from '../../accounts/link-identity.ts'
import type { SignedIn } from '../../domain/next-step.ts'
import { refuse } from '../../protocol/errors.ts'
import type { HttpRequest } from '../../protocol/http.ts'
import type { UpstreamIdentity } from '../../upstream/identify.ts'
import type { Core } from '../core.ts'

/** Add what somebody has just proved elsewhere to his account here. Says why not in a word of the page that tells it. */
export async function addIdentity(
  core: Core,
  http: HttpRequest,
  about: { readonly signedIn: SignedIn; readonly provider: string; readonly identity: UpstreamIdentity },
): Promise<'added' | 'other' | 'taken'> {
  const { signedIn, provider } = about
  const { issuer, subject, label } = about.identity
  const linked = await linkIdentity(core, {
    actor: { kind: 'user', user: signedIn.user, scopes: ['me'] },
    userId: signedIn.user.userId,
    own: { sessionId: signedIn.sessionId },
    identity: { provider, issuer, subject, label },
  })
  if ('done' in linked) return 'added'
  core.observer.refused('identities', refuse('access_denied', 'identity_taken'), { address: http.peer.address })
  return linked.refused === otherLinked ? 'other' : 'taken'
}
