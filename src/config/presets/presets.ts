import type { presetNames, ProviderDescription } from '../provider-entry.ts'
import { etsy } from './etsy.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { oauth2 } from './oauth2.ts'
import { oidc } from './oidc.ts'
import { orcid } from './orcid.ts'
import { siteLogin } from './site-login.ts'
import { wikimedia } from './wikimedia.ts'

/** What each preset says in place of the entry that names it. */
export const presets: Readonly<Record<(typeof presetNames)[number], ProviderDescription>> = {
  etsy,
  github,
  google,
  orcid,
  gitlab,
  wikimedia,
  oidc,
  oauth2,
  'site-login': siteLogin,
}
