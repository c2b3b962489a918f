import { encodeBase32 } from '../crypto/base32.ts'
import type { User } from '../domain/user.ts'

/** What an app is told when it is set up. */
export type PrintedAuthenticator = {
  /** Base32, to be typed. */
  readonly secret: string
  /** Key URI format, which every app reads from a picture. */
  readonly uri: string
}

/** SHA1, six digits and thirty seconds are the defaults of every app and are left out, as some stumble over them. */
export function printAuthenticator(
  { issuer, look }: { readonly issuer: string; readonly look: { readonly productName: string } },
  { username }: Pick<User, 'username'>,
  bytes: Uint8Array,
): PrintedAuthenticator {
  const secret = encodeBase32(bytes)
  const place = encodeURIComponent(`${look.productName} (${new URL(issuer).host})`)
  const uri = `otpauth://totp/${place}:${encodeURIComponent(username)}?secret=${secret}&issuer=${place}`
  return { secret, uri }
}
