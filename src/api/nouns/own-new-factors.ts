import { z } from 'zod'
import { enrolAuthenticator } from '../../accounts/enrol-authenticator.ts'
import { findFactors } from '../../accounts/find-factors.ts'
import { printAuthenticator } from '../../accounts/print-authenticator.ts'
import { oneTimeCodeSecretBytes } from '../../crypto/one-time-code.ts'
import { cleanDeviceName } from '../../domain/device-name.ts'
import { problem } from '../../protocol/problem.ts'
import { passkeyCreation, takePasskey } from '../../signin/new-passkey.ts'
import { openEnrolment, sealEnrolment } from '../../tokens/sealed-enrolment.ts'
import type { CallerOf } from '../caller.ts'
import { operation, type Operation } from '../operation.ts'
import { oneselfJustNow } from '../policy.ts'
import { changing, nameless, notChanged } from './changing-factors.ts'
import { passkeyName } from './factors-shape.ts'

const enrolment = z
  .strictObject({
    secret: z.string().meta({ description: 'Base32, to be typed into an app (RFC 6238: SHA-1, six digits, 30 s).' }),
    otpauth_uri: z.string().meta({ description: 'The same for a QR code.' }),
    enrolment: z.string().meta({ description: 'To be sent back with the first code. Nothing is stored until then.' }),
  })
  .meta({ id: 'AuthenticatorEnrolment', description: 'Shown once: whoever has it makes the codes of the account.' })
const firstCode = z
  .strictObject({
    enrolment: z.string().min(1).max(200),
    code: z
      .string()
      .min(1)
      .max(20)
      .meta({ description: 'The first that the app shows. It signs nobody in afterwards.', writeOnly: true }),
  })
  .meta({ id: 'AuthenticatorCode' })
const freshCodes = z
  .array(z.string())
  .nullable()
  .meta({ description: 'With the first second factor of an account, shown once; null: it has its codes already.' })
const authenticatorAdded = z.strictObject({ recovery_codes: freshCodes }).meta({ id: 'AuthenticatorAdded' })

const descriptor = z.strictObject({ type: z.literal('public-key'), id: z.string() })
const creation = z
  .strictObject({
    challenge: z.string(),
    rp: z.strictObject({ id: z.string(), name: z.string() }),
    user: z.strictObject({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.strictObject({ type: z.literal('public-key'), alg: z.int() })),
    excludeCredentials: z.array(descriptor),
    authenticatorSelection: z.strictObject({
      residentKey: z.string(),
      requireResidentKey: z.boolean(),
      userVerification: z.string(),
    }),
    attestation: z.string(),
  })
  .meta({
    id: 'PasskeyCreation',
    description: 'As `PublicKeyCredential.parseCreationOptionsFromJSON` takes it (WebAuthn L3 §5.1.8).',
  })
const newPasskey = z
  .strictObject({
    credential: z
      .looseObject({ id: z.string(), type: z.literal('public-key'), response: z.looseObject({}) })
      .meta({ description: 'What the device answered, as `PublicKeyCredential.toJSON` prints it.' }),
    name: passkeyName,
  })
  .meta({ id: 'NewPasskey' })
const passkeyAdded = z.strictObject({ passkey_id: z.string(), recovery_codes: freshCodes }).meta({ id: 'PasskeyAdded' })

const type = 'public-key' as const
/** As the script of our pages asks (pages/passkey-script.ts). */
const asEverywhere = {
  authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  attestation: 'none',
}

type Person = CallerOf<typeof oneselfJustNow>

/** Where an application began to set something up: another one, or the same by another sign-in, doesn't finish it. */
const begunAt = ({ live }: Person): string => `grant ${live.claims.gid}`
const placeOf = (caller: Person) => ({ browser: '', purpose: `register ${begunAt(caller)}` })

const codes = ['abcd-efgh-jkmn-pqrs']

/** Second factors that the person who asks sets up: each is begun, and counts from what finishes it. */
export const ownNewFactorOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/api/v1/me/authenticator/enrolment',
    id: 'beginMyAuthenticator',
    tag: 'Oneself',
    summary: 'Begin to set an authenticator app up',
    description: 'Makes a secret for the app. It counts once its first code was sent to `/api/v1/me/authenticator`.',
    policy: oneselfJustNow,
    answer: { status: 200, schema: enrolment },
    refusals: ['conflict'],
    example: {
      answer: {
        secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
        otpauth_uri:
          'otpauth://totp/Gatehouse%20(login.example.org):ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Gatehouse%20(login.example.org)',
        enrolment: 'k1.c2VhbGVk',
      },
    },
    async perform({ context, caller }) {
      const { user } = caller
      if ((await findFactors(context, user.userId))?.authenticator !== undefined) return { refused: hasApp }
      const secret = context.random.bytes(oneTimeCodeSecretBytes)
      const printed = printAuthenticator(context, user, secret)
      const sealed = sealEnrolment(context.keys, { begunAt: begunAt(caller), secret }, context.random)
      return { done: { secret: printed.secret, otpauth_uri: printed.uri, enrolment: sealed } }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/authenticator',
    id: 'addMyAuthenticator',
    tag: 'Oneself',
    summary: 'Set my authenticator app up',
    description:
      'With its first code. From then on every sign-in takes one, and so does every other change of this kind: sign in again with `acr_values=mfa` for it.',
    policy: oneselfJustNow,
    body: firstCode,
    answer: { status: 200, schema: authenticatorAdded },
    refusals: ['conflict', 'forbidden', 'rate_limited'],
    example: { body: { enrolment: 'k1.c2VhbGVk', code: '492039' }, answer: { recovery_codes: codes } },
    async perform({ context, caller, body, address }) {
      const secret = openEnrolment(context.keys, begunAt(caller), body.enrolment)
      if (secret === undefined) return { refused: foreignEnrolment }
      const added = await enrolAuthenticator(context, changing(caller, address), { secret, code: body.code })
      if (!('refused' in added)) return { done: { recovery_codes: listed(added.recoveryCodes) } }
      if (added.refused === 'wrong_code') return { refused: wrongCode }
      return added.refused === 'has_one' ? { refused: hasApp } : notChanged(added)
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/passkey-challenge',
    id: 'beginMyPasskey',
    tag: 'Oneself',
    summary: 'Begin to add a passkey',
    description:
      'What a device is to be asked for, within five minutes. It answers pages of this server’s own host, and apps that its system knows for this host.',
    policy: oneselfJustNow,
    answer: { status: 200, schema: creation },
    refusals: ['conflict'],
    example: {
      answer: {
        challenge: 'azEuMTc5NTAwMDAwMC5xMVhvMGIySjRuOA',
        rp: { id: 'login.example.org', name: 'Gatehouse' },
        user: { id: 'dXNyX3ExWG8wYjJKNG44', name: 'ada', displayName: 'Ada Lovelace' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        excludeCredentials: [{ type: 'public-key', id: 'q1Xo0b2J4n8' }],
        ...asEverywhere,
      },
    },
    async perform({ context, caller }) {
      const asked = await passkeyCreation(context, placeOf(caller), caller.user)
      if (asked === undefined) return { refused: noHost }
      const { challenge, rp, user, exclude, algorithms } = asked
      return {
        done: {
          challenge,
          rp,
          user,
          pubKeyCredParams: algorithms.map((alg) => ({ type, alg })),
          excludeCredentials: exclude.map((id) => ({ type, id })),
          ...asEverywhere,
        },
      }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/me/passkeys',
    id: 'addMyPasskey',
    tag: 'Oneself',
    summary: 'Add a passkey',
    description: 'With what the device answered to the challenge, which is good for one answer.',
    policy: oneselfJustNow,
    body: newPasskey,
    answer: { status: 200, schema: passkeyAdded },
    refusals: ['conflict', 'forbidden', 'rate_limited'],
    example: {
      body: {
        credential: {
          id: 'q1Xo0b2J4n8',
          type: 'public-key',
          response: { clientDataJSON: 'eyJ0eXBlIjoi…', attestationObject: 'o2NmbXRkbm9uZ…' },
        },
        name: 'My phone',
      },
      answer: { passkey_id: 'q1Xo0b2J4n8', recovery_codes: codes },
    },
    async perform({ context, caller, body, address }) {
      const name = cleanDeviceName(body.name)
      if (name === undefined) return { refused: nameless }
      const text = JSON.stringify(body.credential)
      const added = await takePasskey(context, changing(caller, address), { place: placeOf(caller), text, name })
      if (added === 'unproved') return { refused: unproved }
      if ('refused' in added) return added.refused === 'has_one' ? { refused: hasPasskey } : notChanged(added)
      return { done: { passkey_id: added.passkeyId, recovery_codes: listed(added.recoveryCodes) } }
    },
  }),
]

const listed = (made: readonly string[] | undefined): string[] | null => (made === undefined ? null : [...made])

const hasApp = problem('conflict', { detail: 'the account has an authenticator app: remove it first' })
const foreignEnrolment = problem('invalid_field', {
  field: 'enrolment',
  detail: 'enrolment was not begun with this sign-in: begin again',
})
const wrongCode = problem('invalid_field', {
  field: 'code',
  detail:
    'code is not what the app shows now: wait for the next one, and look whether the clock of the device is right',
})
const noHost = problem('conflict', {
  detail: 'passkeys are bound to a host name, and the issuer of this server has an IP address in place of one',
})
const unproved = problem('invalid_field', {
  field: 'credential',
  detail: 'credential does not answer a challenge of this sign-in, by a device that verified its person: begin again',
})
const hasPasskey = problem('conflict', { detail: 'the account has this passkey, or as many as it can have' })
