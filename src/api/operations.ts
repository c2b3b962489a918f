import { accountNameOperations } from './nouns/account-names.ts'
import { clientOperations } from './nouns/clients.ts'
import { connectionOperations } from './nouns/connections.ts'
import { consentOperations } from './nouns/consents.ts'
import { eventOperations } from './nouns/events.ts'
import { factorOperations } from './nouns/factors.ts'
import { grantOperations } from './nouns/grants.ts'
import { identityOperations } from './nouns/identities.ts'
import { invitationOperations } from './nouns/invitations.ts'
import { keptConnectionOperations } from './nouns/kept-connections.ts'
import { leakOperations } from './nouns/leaks.ts'
import { keyOperations } from './nouns/keys.ts'
import { meOperations } from './nouns/me.ts'
import { mintedTokenOperations } from './nouns/minted-tokens.ts'
import { registerOperations } from './nouns/register.ts'
import { provisionedIdentityOperations } from './nouns/provisioned-identities.ts'
import { ownEventOperations } from './nouns/own-events.ts'
import { ownExportOperations } from './nouns/own-export.ts'
import { ownFactorOperations } from './nouns/own-factors.ts'
import { ownNewFactorOperations } from './nouns/own-new-factors.ts'
import { providerOperations } from './nouns/providers.ts'
import { resourceOperations } from './nouns/resources.ts'
import { revokedTokenOperations } from './nouns/revoked-tokens.ts'
import { sessionOperations } from './nouns/sessions.ts'
import { tokenOperations } from './nouns/tokens.ts'
import { userOperations } from './nouns/users.ts'
import type { Operation } from './operation.ts'

/** Every call there is. Routes, document and tests are made from this. */
export const operations: readonly Operation[] = [
  ...registerOperations,
  ...meOperations,
  ...ownExportOperations,
  ...ownEventOperations,
  ...ownFactorOperations,
  ...ownNewFactorOperations,
  ...userOperations,
  ...accountNameOperations,
  ...factorOperations,
  ...invitationOperations,
  ...sessionOperations,
  ...mintedTokenOperations,
  ...tokenOperations,
  ...grantOperations,
  ...consentOperations,
  ...identityOperations,
  ...connectionOperations,
  ...provisionedIdentityOperations,
  ...clientOperations,
  ...resourceOperations,
  ...keyOperations,
  ...eventOperations,
  ...leakOperations,
  ...revokedTokenOperations,
  ...providerOperations,
  ...keptConnectionOperations,
]
