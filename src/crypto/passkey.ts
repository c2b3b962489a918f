import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { decodeBase64url, decodeUtf8, encodeBase64url } from './encoding.ts'

/** The public half of a passkey, as it is kept. */
export type PasskeyKey = {
  /** Of the credential, base64url. */
  readonly id: string
  /** COSE, base64url. */
  readonly publicKey: string
  /** 0 for those that don't count. */
  readonly counter: number
}

/** What an answer must be about (WebAuthn L3 §7). */
export type Ceremony = { readonly challenge: string; readonly origin: string; readonly rpId: string }

/** What a browser says, as far as it has to be known before it is verified. */
export type PasskeyAnswer = {
  readonly id: string
  readonly challenge: string
  /** The account that the passkey says it is of; only from a sign-in. */
  readonly userHandle: string | undefined
  readonly response: unknown
}

/** Far more than any answer; an attestation that nobody asked for may be long. */
const longestAnswer = 16_384
const shape = /^[A-Za-z0-9_-]{1,1400}$/

/** The JSON form of a browser's answer (WebAuthn L3 §5.1), or undefined. Nothing in it is proved yet. */
export function readPasskeyAnswer(text: string): PasskeyAnswer | undefined {
  if (text.length > longestAnswer) return undefined
  const answer = parseObject(text)
  const response = answer?.['response']
  if (answer === undefined || !isObject(response)) return undefined
  const { id, type } = answer
  const clientData = clientDataOf(response['clientDataJSON'])
  const challenge = clientData?.['challenge']
  if (typeof id !== 'string' || !shape.test(id) || type !== 'public-key' || typeof challenge !== 'string')
    return undefined
  const handle = response['userHandle']
  const bytes = typeof handle === 'string' ? decodeBase64url(handle) : undefined
  return { id, challenge, userHandle: bytes === undefined ? undefined : decodeUtf8(bytes), response: answer }
}

/**
 * A new passkey (WebAuthn L3 §7.1), or undefined if anything about it is wrong. Its person was verified by his device (PIN,
 * finger, face); where it comes from nobody asks, so it says nothing of it.
 */
export async function verifyNewPasskey(
  answer: PasskeyAnswer,
  ceremony: Ceremony,
): Promise<(PasskeyKey & { readonly synced: boolean }) | undefined> {
  const { verifyRegistrationResponse } = await library()
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: answer.response as RegistrationResponseJSON,
      expectedChallenge: ceremony.challenge,
      expectedOrigin: ceremony.origin,
      expectedRPID: ceremony.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...passkeyAlgorithms],
    })
    if (!verified) return undefined
    const { credential, credentialDeviceType } = registrationInfo
    return {
      id: credential.id,
      publicKey: encodeBase64url(credential.publicKey),
      counter: credential.counter,
      synced: credentialDeviceType === 'multiDevice',
    }
  } catch {
    // Whatever is wrong with it, the library throws.
    return undefined
  }
}

/** The counter after a right answer (WebAuthn L3 §7.2), or undefined. A counter that didn't rise is a copy of the key. */
export async function verifyPasskey(
  answer: PasskeyAnswer,
  { ceremony, passkey }: { readonly ceremony: Ceremony; readonly passkey: PasskeyKey },
): Promise<number | undefined> {
  const publicKey = decodeBase64url(passkey.publicKey)
  if (publicKey === undefined || answer.id !== passkey.id) return undefined
  const { verifyAuthenticationResponse } = await library()
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: answer.response as AuthenticationResponseJSON,
      expectedChallenge: ceremony.challenge,
      expectedOrigin: ceremony.origin,
      expectedRPID: ceremony.rpId,
      credential: { id: passkey.id, publicKey: Uint8Array.from(publicKey), counter: passkey.counter },
      requireUserVerification: true,
    })
    return verified && authenticationInfo.userVerified ? authenticationInfo.newCounter : undefined
  } catch {
    return undefined
  }
}

/** COSE: ES256, EdDSA, RS256, in this order of liking. */
export const passkeyAlgorithms = [-7, -8, -257] as const

/** A tenth of a second to load, and most servers' first passkey comes long after their start. */
const library = () => import('@simplewebauthn/server')

function clientDataOf(encoded: unknown): Record<string, unknown> | undefined {
  const bytes = typeof encoded === 'string' ? decodeBase64url(encoded) : undefined
  return bytes === undefined ? undefined : parseObject(decodeUtf8(bytes) ?? '')
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
