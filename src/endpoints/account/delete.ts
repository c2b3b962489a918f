import { deleteUser } from '../../accounts/delete-user.ts'
import { deleteForm } from '../../pages/account/delete-form.ts'
import { isRefusal } from '../../protocol/errors.ts'
import { normaliseUsername } from '../../protocol/username.ts'
import { removeSessionCookie } from '../../signin/session.ts'
import { seeOther } from '../respond.ts'
import { oneself } from './oneself.ts'
import type { Section } from './section.ts'

/** Leaving for good. The name is typed, so that it doesn't happen by a slip. */
export const deleteSection: Section = {
  id: 'delete',
  title: 'delete.title',
  summary: 'delete.summary',
  done: 'account.saved',
  recent: () => true,
  body: ({ form }, mistake) => deleteForm(form, { wrong: mistake?.field }),
  async act(asked, typed) {
    const { core, signedIn } = asked
    const name = normaliseUsername(typed.get('username') ?? '')
    if (isRefusal(name) || name !== normaliseUsername(signedIn.user.username))
      return { says: 'delete.differs', field: 'username' }
    const { actor, userId } = oneself(asked)
    const deleted = await deleteUser(core, { actor, userId, own: true })
    return 'done' in deleted ? seeOther('/', [removeSessionCookie(core)]) : { says: 'account.problem' }
  },
}
