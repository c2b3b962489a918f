import { z } from 'zod'
import type { FactorsChanged } from '../../accounts/change-factors.ts'
import { findFactors } from '../../accounts/find-factors.ts'
import { printFactors } from '../../accounts/print-factors.ts'
import { removeFactor } from '../../accounts/remove-factor.ts'
import { renamePasskey } from '../../accounts/rename-passkey.ts'
import { renewRecoveryCodes } from '../../accounts/renew-recovery-codes.ts'
import { cleanDeviceName } from '../../domain/device-name.ts'
import { operation, type Operation } from '../operation.ts'
import { oneself, oneselfJustNow } from '../policy.ts'
import type { Result } from '../result.ts'
import { changing, nameless, notChanged } from './changing-factors.ts'
import { exampleFactors, factors, passkey, passkeyName } from './factors-shape.ts'

const passkeyId = z.strictObject({ passkey_id: z.string().regex(/^[A-Za-z0-9_-]{1,1364}$/) })
const passkeys = z.strictObject({ items: z.array(passkey) }).meta({ id: 'Passkeys' })
const newName = z.strictObject({ name: passkeyName }).meta({ id: 'PasskeyName' })
const recoveryCodes = z
  .strictObject({ recovery_codes: z.array(z.string()) })
  .meta({ id: 'RecoveryCodes', description: 'Each works once in place of a second factor. Shown once.' })

/** Second factors of the person who asks. */
export const ownFactorOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/me/factors',
    id: 'getMyFactors',
    tag: 'Oneself',
    summary: 'Show my second factors',
    policy: oneself,
    answer: { status: 200, schema: factors },
    example: { answer: exampleFactors },
    perform: async ({ context, caller }) => ({ done: printFactors(await findFactors(context, caller.user.userId)) }),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/me/passkeys',
    id: 'listMyPasskeys',
    tag: 'Oneself',
    summary: 'List my passkeys',
    policy: oneself,
    answer: { status: 200, schema: passkeys },
    example: { answer: { items: exampleFactors.passkeys } },
    async perform({ context, caller }) {
      return { done: { items: printFactors(await findFactors(context, caller.user.userId)).passkeys } }
    },
  }),
  operation({
    method: 'PATCH',
    path: '/api/v1/me/passkeys/{passkey_id}',
    id: 'renameMyPasskey',
    tag: 'Oneself',
    summary: 'Call one of my passkeys by another name',
    policy: oneselfJustNow,
    params: passkeyId,
    body: newName,
    answer: { status: 204 },
    refusals: ['not_found', 'forbidden', 'rate_limited'],
    example: { body: { name: 'My old phone' } },
    async perform({ context, caller, params, body, address }) {
      const name = cleanDeviceName(body.name)
      if (name === undefined) return { refused: nameless }
      return told(await renamePasskey(context, changing(caller, address), { passkey: params.passkey_id, name }))
    },
  }),
  operation({
    method: 'DELETE',
    path: '/api/v1/me/passkeys/{passkey_id}',
    id: 'removeMyPasskey',
    tag: 'Oneself',
    summary: 'Give one of my passkeys up',
    description: 'Nobody signs in with it any more. With the last second factor the recovery codes go too.',
    policy: oneselfJustNow,
    params: passkeyId,
    answer: { status: 204 },
    refusals: ['not_found', 'forbidden', 'rate_limited'],
    example: {},
    perform: async ({ context, caller, params, address }) =>
      told(await removeFactor(context, changing(caller, address), { passkey: params.passkey_id })),
  }),
  operation({
    method: 'DELETE',
    path: '/api/v1/me/authenticator',
    id: 'removeMyAuthenticator',
    tag: 'Oneself',
    summary: 'Give my authenticator app up',
    description: 'Its codes work no more. With the last second factor the recovery codes go too.',
    policy: oneselfJustNow,
    answer: { status: 204 },
    refusals: ['not_found', 'forbidden', 'rate_limited'],
    example: {},
    perform: async ({ context, caller, address }) =>
      told(await removeFactor(context, changing(caller, address), 'authenticator')),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/recovery-codes',
    id: 'renewMyRecoveryCodes',
    tag: 'Oneself',
    summary: 'Make new recovery codes',
    description: 'They take the place of all the old ones. Only for an account that has a second factor.',
    policy: oneselfJustNow,
    answer: { status: 200, schema: recoveryCodes },
    refusals: ['not_found', 'forbidden', 'rate_limited'],
    example: { answer: { recovery_codes: ['abcd-efgh-jkmn-pqrs'] } },
    async perform({ context, caller, address }) {
      const renewed = await renewRecoveryCodes(context, changing(caller, address))
      if ('refused' in renewed) return notChanged(renewed)
      return { done: { recovery_codes: [...(renewed.recoveryCodes ?? [])] } }
    },
  }),
]

function told(changed: FactorsChanged): Result<undefined> {
  return 'refused' in changed ? notChanged(changed) : { done: undefined }
}
