import { accessSection } from './access.ts'
import { deleteSection } from './delete.ts'
import { exportSection } from './export.ts'
import { passwordSection } from './password.ts'
import { profileSection } from './profile.ts'
import type { Section } from './section.ts'
import { sessionsSection } from './sessions.ts'

/** Every section of the account, in the order of the page. */
export const sections: readonly Section[] = [
  profileSection,
  passwordSection,
  sessionsSection,
  accessSection,
  exportSection,
  deleteSection,
]
