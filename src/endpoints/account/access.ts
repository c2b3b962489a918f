import { endGrant } from '../../accounts/end-grant.ts'
import { mintedClientId } from '../../accounts/minted-client.ts'
import { withdrawConsent } from '../../accounts/withdraw-consent.ts'
import { consentBelonging } from '../../api/nouns/consents.ts'
import { grantBelonging } from '../../api/nouns/grants.ts'
import { accessList } from '../../pages/account/access-list.ts'
import { allOf } from '../../api/nouns/all-of.ts'
import { oneself } from './oneself.ts'
import type { Section } from './section.ts'

/** What applications may do in one's name: consents, and the devices on which refresh tokens are. */
export const accessSection: Section = {
  id: 'access',
  title: 'access.title',
  summary: 'access.summary',
  done: 'access.ended',
  recent: () => false,
  async body({ core, form, signedIn: { user } }) {
    const [consents, grants] = await Promise.all([
      allOf(consentBelonging, core, user),
      allOf(grantBelonging, core, user),
    ])
    return accessList(form, {
      consents: consents.map((consent) => ({
        clientId: consent.client_id,
        name: consent.client_name ?? consent.client_id,
        scope: consent.scope.split(' ').filter((scope) => scope !== ''),
        givenAt: consent.given_at,
      })),
      // Tokens for scripts have a page of their own.
      grants: grants
        .filter((grant) => grant.client_id !== mintedClientId)
        .map((grant) => ({
          id: grant.grant_id,
          name: grant.client_name ?? grant.client_id,
          device: grant.device_name ?? undefined,
          lastUsedAt: grant.last_used_at,
        })),
    })
  },
  async act(asked, parameters) {
    const [clientId, grantId] = [parameters.get('client_id'), parameters.get('grant_id')]
    // What is gone already, or never was his, looks the same afterwards.
    if (clientId !== undefined) await withdrawConsent(asked.core, oneself(asked), clientId)
    if (grantId !== undefined) await endGrant(asked.core, oneself(asked), grantId)
    return clientId === undefined && grantId === undefined ? { says: 'account.problem' } : 'done'
  },
}
