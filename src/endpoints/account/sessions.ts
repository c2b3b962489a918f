import { endSession } from '../../accounts/end-session.ts'
import { sessionBelonging } from '../../api/nouns/sessions.ts'
import { sessionList } from '../../pages/account/session-list.ts'
import { allOf } from '../../api/nouns/all-of.ts'
import { oneself } from './oneself.ts'
import type { Section } from './section.ts'

/** The browsers in which one is signed in. */
export const sessionsSection: Section = {
  id: 'sessions',
  title: 'sessions.title',
  summary: 'sessions.summary',
  done: 'sessions.ended',
  recent: () => false,
  async body({ core, form, signedIn: { user, sessionId } }) {
    const sessions = await allOf(sessionBelonging, core, user)
    return sessionList(
      form,
      sessions.map((session) => ({
        id: session.session_id,
        device: session.device,
        current: session.session_id === sessionId,
        signedInAt: session.auth_time ?? session.created_at,
        lastSeenAt: session.last_seen_at,
      })),
    )
  },
  async act(asked, parameters) {
    const { core, signedIn } = asked
    const others = parameters.get('others') !== undefined
    const one = parameters.get('session_id')
    const ids = others
      ? (await allOf(sessionBelonging, core, signedIn.user)).map((session) => session.session_id)
      : one === undefined
        ? []
        : [one]
    for (const id of ids) {
      // One that is gone already is what was wanted.
      if (!others || id !== signedIn.sessionId) await endSession(core, oneself(asked), id)
    }
    return ids.length === 0 ? { says: 'account.problem' } : 'done'
  },
}
