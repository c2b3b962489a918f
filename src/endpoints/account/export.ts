import { findFactors } from '../../accounts/find-factors.ts'
import { printFactors } from '../../accounts/print-factors.ts'
import { printUser } from '../../accounts/print-user.ts'
import { connectionBelonging } from '../../api/nouns/connections.ts'
import { consentBelonging } from '../../api/nouns/consents.ts'
import { grantBelonging } from '../../api/nouns/grants.ts'
import { identityBelonging } from '../../api/nouns/identities.ts'
import { sessionBelonging } from '../../api/nouns/sessions.ts'
import { tokenBelonging } from '../../api/nouns/tokens.ts'
import { exportForm } from '../../pages/account/export-form.ts'
import { allOf } from '../../api/nouns/all-of.ts'
import type { Section } from './section.ts'

/** Everything about oneself, as a file (GDPR Art. 15, 20). By POST: a link elsewhere must not start it. */
export const exportSection: Section = {
  id: 'export',
  title: 'export.title',
  summary: 'export.summary',
  done: 'account.saved',
  recent: () => true,
  body: ({ form }) => exportForm(form),
  async act({ core, signedIn: { user } }) {
    const document = {
      account: printUser(user),
      factors: printFactors(await findFactors(core, user.userId)),
      sessions: await allOf(sessionBelonging, core, user),
      consents: await allOf(consentBelonging, core, user),
      grants: await allOf(grantBelonging, core, user),
      tokens: await allOf(tokenBelonging, core, user),
      identities: await allOf(identityBelonging, core, user),
      connections: await allOf(connectionBelonging, core, user),
    }
    return {
      status: 200,
      headers: [
        ['content-type', 'application/json'],
        ['content-disposition', 'attachment; filename="account.json"'],
        ['cache-control', 'no-store'],
        ['x-content-type-options', 'nosniff'],
      ],
      body: `${JSON.stringify(document, null, 2)}\n`,
    }
  },
}
