import { printAuthenticator } from '../../accounts/print-authenticator.ts'
import { enrolAuthenticator } from '../../accounts/enrol-authenticator.ts'
import { findFactors } from '../../accounts/find-factors.ts'
import { removeFactor } from '../../accounts/remove-factor.ts'
import { oneTimeCodeSecretBytes } from '../../crypto/one-time-code.ts'
import { authenticatorCard, newAuthenticatorForm } from '../../pages/account/authenticator-form.ts'
import { parseParameters } from '../../protocol/parameters.ts'
import { isRefusal } from '../../protocol/errors.ts'
import { renewCookie } from '../../signin/session.ts'
import { openEnrolment, sealEnrolment } from '../../tokens/sealed-enrolment.ts'
import { afterAdding, afterRemoval, unchanged } from './factors-changed.ts'
import { inBrowser } from './oneself.ts'
import type { Asked, Mistake, Section } from './section.ts'

/** An app that makes one-time codes. It counts from its first right code on; until then its secret is in the form alone, sealed. */
export const authenticatorSection: Section = {
  id: 'authenticator',
  title: 'authenticator.title',
  summary: 'authenticator.summary',
  done: 'authenticator.done',
  recent: () => true,
  async body(asked, mistake) {
    const { core, form, signedIn } = asked
    const factors = await findFactors(core, signedIn.user.userId)
    if (factors?.authenticator !== undefined) return authenticatorCard(form, factors.authenticator)
    const { sessionId } = signedIn
    const begun = openEnrolment(core.keys, sessionId, mistake?.typed?.get('enrolment') ?? '')
    const secret = begun ?? core.random.bytes(oneTimeCodeSecretBytes)
    const interaction = interactionOf(asked, mistake)
    const hidden = [
      ...form.hidden,
      { name: 'enrolment', value: sealEnrolment(core.keys, { begunAt: sessionId, secret }, core.random) },
      ...(interaction === undefined ? [] : [{ name: 'interaction', value: interaction }]),
    ]
    const card = printAuthenticator(core, signedIn.user, secret)
    return newAuthenticatorForm({ ...form, hidden }, { ...card, wrong: mistake?.field })
  },
  async act(asked, typed) {
    const { core, signedIn } = asked
    if (typed.get('remove') !== undefined) {
      return afterRemoval(await removeFactor(core, inBrowser(asked), 'authenticator'))
    }
    const secret = openEnrolment(core.keys, signedIn.sessionId, typed.get('enrolment') ?? '')
    if (secret === undefined) return { says: 'account.problem' }
    // The secret is known to whoever guesses, so his guesses cost nobody anything.
    const { imprint, setCookie } = renewCookie(core, signedIn)
    const code = typed.get('code') ?? ''
    const enrolled = await enrolAuthenticator(core, { ...inBrowser(asked), imprint }, { secret, code })
    if ('refused' in enrolled)
      return enrolled.refused === 'wrong_code'
        ? { says: 'authenticator.wrong', field: 'code', status: 403, typed }
        : unchanged(enrolled)
    const onwards = resumeAt(typed.get('interaction'))
    return afterAdding(asked, enrolled, { setCookie, onwards })
  },
}

const idShape = /^[0-9A-Za-z_-]{34}$/

/** The parked request that wants a second factor and goes on when there is one. */
function interactionOf({ http }: Asked, mistake: Mistake | undefined): string | undefined {
  const query = parseParameters(http.method === 'GET' ? http.query : '')
  const id = mistake?.typed?.get('interaction') ?? (isRefusal(query) ? undefined : query.get('interaction'))
  return id !== undefined && idShape.test(id) ? id : undefined
}

function resumeAt(interaction: string | undefined): string | undefined {
  return interaction !== undefined && idShape.test(interaction)
    ? `/oauth/authorize/resume?interaction=${interaction}`
    : undefined
}
