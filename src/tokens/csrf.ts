import { mac, verifyMac } from '../crypto/mac.ts'
import type { TokenKeys } from './keys-view.ts'

const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/

/** Where a form may be sent from, and what it is for. */
export type FormPlace = {
  /** The value of the browser's cookie. */
  readonly browser: string
  /** Id of the session in which it was shown; empty where nobody was signed in. */
  readonly session: string
  readonly purpose: string
}

/** The hidden field that binds a form to its place. */
export function printFormToken(keys: TokenKeys, place: FormPlace): string {
  const { keyId, key } = keys.secret('mac')
  return `${keyId}.${mac(key, message(place))}`
}

export function verifyFormToken(keys: TokenKeys, place: FormPlace, text: string): boolean {
  const [, keyId, claimed] = shape.exec(text) ?? []
  const secret = keyId === undefined ? undefined : keys.secretById('mac', keyId)
  return secret !== undefined && claimed !== undefined && verifyMac(secret.key, message(place), claimed)
}

function message({ browser, session, purpose }: FormPlace): string {
  return `form\n${browser.length}:${browser}\n${session.length}:${session}\n${purpose}`
}
