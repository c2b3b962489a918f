/** RFC 8693 §2.1 */
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The `grant_type` values of token requests that exist here (RFC 6749 §4; the password grant only behind its legacy switch). */
export const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  tokenExchangeGrant,
  'password',
] as const

export type GrantType = (typeof grantTypes)[number]

export function isGrantType(value: unknown): value is GrantType {
  return (grantTypes as readonly unknown[]).includes(value)
}
