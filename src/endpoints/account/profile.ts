import { patchUser } from '../../accounts/patch-user.ts'
import { profileForm } from '../../pages/account/profile-form.ts'
import { oneself } from './oneself.ts'
import type { Section } from './section.ts'

/** What one is called here. */
export const profileSection: Section = {
  id: 'profile',
  title: 'profile.title',
  summary: 'profile.summary',
  done: 'account.saved',
  recent: () => true,
  body: ({ form, signedIn: { user } }, mistake) =>
    profileForm(form, {
      username: mistake?.typed?.get('username') ?? user.username,
      fullName: mistake?.typed?.get('full_name') ?? user.fullName ?? '',
      wrong: mistake?.field,
    }),
  async act(asked, typed) {
    const { actor, userId } = oneself(asked)
    const patch = { username: typed.get('username') ?? '', fullName: typed.get('full_name') ?? null }
    const updated = await patchUser(asked.core, { actor, userId, patch, own: true })
    if ('done' in updated) return 'done'
    const { field, code } = updated.refused
    if (field === 'full_name') return { says: 'profile.fullNameBad', field, typed }
    if (field !== 'username') return { says: 'account.problem', typed }
    return { says: code === 'conflict' ? 'profile.usernameTaken' : 'profile.usernameBad', field, typed }
  },
}
