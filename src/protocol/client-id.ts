/** Unreserved characters of RFC 3986 alone, so that an id is the same in a path, a form, a header and a log. */
const clientId = /^[A-Za-z0-9][A-Za-z0-9\-._~]{0,127}$/

/** How every user id begins. */
export const userIdPrefix = 'usr_'

/** Whether a text can be a client's id. None begins like a user's: `sub` of a person and of a client must never meet (RFC 9700 §4.15). */
export function isClientId(text: string): boolean {
  return text.length <= 128 && clientId.test(text) && !text.toLowerCase().startsWith(userIdPrefix)
}
