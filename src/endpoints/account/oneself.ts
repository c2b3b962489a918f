import type { Ending } from '../../accounts/end-grant.ts'
import type { Asked } from './section.ts'

/** The person at his own account, as `accounts` wants to know who acts. */
export function oneself({ signedIn: { user }, http }: Asked): Ending & { readonly userId: string } {
  return {
    actor: { kind: 'user', user, scopes: ['me'] },
    user,
    userId: user.userId,
    address: http.peer.address,
  }
}
