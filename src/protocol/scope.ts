import { refuse, type Refusal } from './errors.ts'

export const scopeLimits = { characters: 2_048, tokens: 64, tokenCharacters: 128 } as const

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
const token = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Whether the text can be one scope. */
export function isScopeToken(text: string): boolean {
  return text.length <= scopeLimits.tokenCharacters && token.test(text)
}

/** Reads a scope (RFC 6749 §3.3): tokens between single spaces, each kept once, in order. */
export function parseScope(text: string): readonly string[] | Refusal {
  if (text.length > scopeLimits.characters) return malformed('the scope is too long')
  const tokens = text.split(' ')
  if (tokens.length > scopeLimits.tokens) return malformed('the scope holds too many items')
  for (const one of tokens) {
    if (one === '') return malformed('the scope holds an empty item: separate items by exactly one space')
    if (!isScopeToken(one)) return malformed('the scope holds a character that no scope may hold, or too long an item')
  }
  return [...new Set(tokens)]
}

export function printScope(scope: readonly string[]): string {
  return scope.join(' ')
}

export function isSubset(part: readonly string[], whole: readonly string[]): boolean {
  return part.every((one) => whole.includes(one))
}

const narrowPowers: readonly string[] = ['introspect', 'accounts:provision', 'leaks:report']
const ofRoleOrConnection = /^(?:admin|vault)(?::|$)/
const ofProvider = /^vault:[a-z][a-z0-9-]{0,31}$/

/** Scopes of our own that only an administrator may put within a client's reach. */
export function isReservedScope(scope: string): boolean {
  return narrowPowers.includes(scope) || ofRoleOrConnection.test(scope)
}

/** What a token that is shown to an API may be exchanged for stands in it as a scope (RFC 8693). */
function isProviderScope(scope: string): boolean {
  return ofProvider.test(scope)
}

/** Whether an API may have it, and so have people hold it: whatever isn't ours, and what it may exchange a token by. */
export function isScopeOfApis(scope: string): boolean {
  return !isReservedScope(scope) || isProviderScope(scope)
}

/**
 * Whether it means anything that an account was given this. What administers and what opens the vault comes of a role and of a
 * connection: as a scope of an account it would tell applications (`account_scopes`) of a power that isn't there.
 */
export function countsForAccounts(scope: string): boolean {
  return !ofRoleOrConnection.test(scope) || isProviderScope(scope)
}

function malformed(hint: string): Refusal {
  return refuse('invalid_scope', 'scope_malformed', hint)
}
