import { addPasskey } from '../../accounts/add-passkey.ts'
import { findFactors } from '../../accounts/find-factors.ts'
import { removeFactor } from '../../accounts/remove-factor.ts'
import { encodeTextBase64url } from '../../crypto/encoding.ts'
import { passkeyAlgorithms, verifyNewPasskey } from '../../crypto/passkey.ts'
import { cleanDeviceName } from '../../domain/device-name.ts'
import { passkeysOf } from '../../domain/factors.ts'
import { passkeyList } from '../../pages/account/passkey-list.ts'
import { readAnswered, rpIdOf } from '../../signin/passkey.ts'
import { renewCookie } from '../../signin/session.ts'
import { challengeFor } from '../passkey-challenge.ts'
import { afterAdding, afterRemoval, unchanged } from './factors-changed.ts'
import { inBrowser } from './oneself.ts'
import type { Section } from './section.ts'

/** H22: a challenge is one session's, and what answers it becomes the account's of that session, whatever a form says. */
const purposeOf = (sessionId: string): string => `register ${sessionId}`

/** Keys that live in people's devices. */
export const passkeysSection: Section = {
  id: 'passkeys',
  title: 'passkeys.title',
  summary: 'passkeys.summary',
  done: 'authenticator.done',
  offered: (core) => rpIdOf(core) !== undefined,
  passkeys: true,
  recent: () => true,
  async body({ core, form, browser, signedIn: { user, sessionId } }) {
    const passkeys = passkeysOf(await findFactors(core, user.userId))
    return passkeyList(form, {
      passkeys,
      creation: {
        challenge: challengeFor(core, { browser, purpose: purposeOf(sessionId) }),
        rp: { id: rpIdOf(core) ?? '', name: core.look.productName },
        user: {
          id: encodeTextBase64url(user.userId),
          name: user.username,
          displayName: user.fullName ?? user.username,
        },
        exclude: passkeys.map(({ id }) => id),
        algorithms: passkeyAlgorithms,
      },
    })
  },
  async act(asked, typed) {
    const { core, http, signedIn } = asked
    const given = typed.get('remove')
    if (given !== undefined) return afterRemoval(await removeFactor(core, inBrowser(asked), { passkey: given }))
    const { sessionId } = signedIn
    const text = typed.get('credential') ?? ''
    const answered = await readAnswered(core, http, { text, purpose: purposeOf(sessionId) })
    const key = answered === undefined ? undefined : await verifyNewPasskey(answered.answer, answered.ceremony)
    if (answered === undefined || key === undefined) return { says: 'passkeys.failed' }
    const name = cleanDeviceName(typed.get('name') ?? '') ?? signedIn.session.device
    const { imprint, setCookie } = renewCookie(core, signedIn)
    const added = await addPasskey(core, { ...inBrowser(asked), imprint }, { key, name, once: answered.once })
    if (!('refused' in added)) return afterAdding(asked, added, { setCookie })
    return added.refused === 'too_many' ? unchanged(added) : { says: 'passkeys.failed' }
  },
}
