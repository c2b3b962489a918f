import { findFactors } from '../../accounts/find-factors.ts'
import { removeFactor } from '../../accounts/remove-factor.ts'
import { cleanDeviceName } from '../../domain/device-name.ts'
import { passkeysOf } from '../../domain/factors.ts'
import { passkeyList } from '../../pages/account/passkey-list.ts'
import { passkeyCreation, takePasskey } from '../../signin/new-passkey.ts'
import { rpIdOf } from '../../signin/passkey.ts'
import { renewCookie } from '../../signin/session.ts'
import { afterAdding, afterRemoval, unchanged } from './factors-changed.ts'
import { inBrowser } from './oneself.ts'
import type { Section } from './section.ts'

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
      creation: await passkeyCreation(core, { browser, purpose: purposeOf(sessionId) }, user),
    })
  },
  async act(asked, typed) {
    const { core, browser, signedIn } = asked
    const given = typed.get('remove')
    if (given !== undefined) return afterRemoval(await removeFactor(core, inBrowser(asked), { passkey: given }))
    const { sessionId } = signedIn
    const text = typed.get('credential') ?? ''
    const name = cleanDeviceName(typed.get('name') ?? '') ?? signedIn.session.device
    const { imprint, setCookie } = renewCookie(core, signedIn)
    const place = { browser, purpose: purposeOf(sessionId) }
    const added = await takePasskey(core, { ...inBrowser(asked), imprint }, { place, text, name })
    if (added === 'unproved') return { says: 'passkeys.failed' }
    if (!('refused' in added)) return afterAdding(asked, added, { setCookie })
    return added.refused === 'too_many' ? unchanged(added) : { says: 'passkeys.failed' }
  },
}
