import type { Changing } from '../../accounts/change-factors.ts'
import type { Ending } from '../../accounts/end-grant.ts'
import type { Asked } from './section.ts'

/** The person in his browser, as changes of his second factors want to know where he stands. */
export function inBrowser({
  signedIn: { user, sessionId },
  http,
}: Asked): Changing & { readonly standing: { readonly sessionId: string } } {
  return { user, standing: { sessionId }, address: http.peer.address }
}

/** The person at his own account, as `accounts` wants to know who acts. */
export function oneself({ signedIn: { user }, http }: Asked): Ending & { readonly userId: string } {
  return {
    actor: { kind: 'user', user, scopes: ['me'] },
    user,
    userId: user.userId,
    address: http.peer.address,
  }
}
