import { mac, verifyMac } from '../crypto/mac.ts'
import type { TokenKeys } from './keys-view.ts'

const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/

/** The hidden field that binds a form to one browser (the value of its cookie) and to what the form is for. */
export function printFormToken(keys: TokenKeys, browser: string, purpose: string): string {
  const { keyId, key } = keys.secret('mac')
  return `${keyId}.${mac(key, message(browser, purpose))}`
}

export function verifyFormToken(keys: TokenKeys, browser: string, purpose: string, text: string): boolean {
  const [, keyId, claimed] = shape.exec(text) ?? []
  const secret = keyId === undefined ? undefined : keys.secretById('mac', keyId)
  return secret !== undefined && claimed !== undefined && verifyMac(secret.key, message(browser, purpose), claimed)
}

function message(browser: string, purpose: string): string {
  return `form\n${browser.length}:${browser}\n${purpose}`
}
