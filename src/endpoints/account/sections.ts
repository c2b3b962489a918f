import { accessSection } from './access.ts'
import { authenticatorSection } from './authenticator.ts'
import { connectionsSection } from './connections.ts'
import { deleteSection } from './delete.ts'
import { emailSection } from './email.ts'
import { exportSection } from './export.ts'
import { passkeysSection } from './passkeys.ts'
import { passwordSection } from './password.ts'
import { profileSection } from './profile.ts'
import { recoveryCodesSection } from './recovery-codes.ts'
import type { Core } from '../core.ts'
import type { Section } from './section.ts'
import { sessionsSection } from './sessions.ts'
import { tokensSection } from './tokens.ts'

/** Every section of the account, in the order of the page. */
const everySection: readonly Section[] = [
  profileSection,
  emailSection,
  passwordSection,
  passkeysSection,
  authenticatorSection,
  recoveryCodesSection,
  sessionsSection,
  accessSection,
  connectionsSection,
  tokensSection,
  exportSection,
  deleteSection,
]

export function sectionsOf(core: Core): readonly Section[] {
  return everySection.filter(({ offered }) => offered?.(core) ?? true)
}
