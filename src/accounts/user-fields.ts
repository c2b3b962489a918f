import { hasControlCharacter } from '../protocol/control-character.ts'
import { describe, isRefusal } from '../protocol/errors.ts'
import { problem } from '../protocol/problem.ts'
import { countsForAccounts, isScopeToken } from '../protocol/scope.ts'
import { parseUsername, type Username } from '../protocol/username.ts'
import type { Outcome } from './context.ts'

const longestFullName = 200
const longestEmail = 254
const mostScopes = 64
/** Something, an at sign, a domain with a dot; whether letters arrive is found out by sending one. */
const emailShape = /^[^\s@"(),:;<>[\\\]]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i

type UserFields = {
  readonly username: string
  readonly fullName?: string
  readonly email?: string
  readonly scopes?: readonly string[]
}

/** Names, address and scopes as they may be kept, or the field that may not. */
export function readUserFields(raw: UserFields): Outcome<UserFields & Username> {
  const name = parseUsername(raw.username)
  if (isRefusal(name)) return { refused: problem('invalid_field', { field: 'username', detail: describe(name) }) }
  const refused = fullNameProblem(raw.fullName) ?? emailProblem(raw.email) ?? scopesProblem(raw.scopes)
  if (refused !== undefined) return { refused }
  return {
    done: {
      ...name,
      ...(raw.fullName !== undefined && { fullName: raw.fullName.normalize('NFC').trim() }),
      ...(raw.email !== undefined && { email: raw.email }),
      ...(raw.scopes !== undefined && { scopes: [...new Set(raw.scopes)] }),
    },
  }
}

export function fullNameProblem(fullName: string | undefined) {
  if (fullName === undefined) return undefined
  const fine =
    fullName.trim() !== '' &&
    fullName.length <= longestFullName &&
    fullName.isWellFormed() &&
    !hasControlCharacter(fullName)
  return fine
    ? undefined
    : problem('invalid_field', {
        field: 'full_name',
        detail: `a full name has 1 to ${longestFullName} characters on one line`,
      })
}

export function emailProblem(email: string | undefined) {
  if (email === undefined) return undefined
  const fine = email.length <= longestEmail && emailShape.test(email) && !hasControlCharacter(email)
  return fine
    ? undefined
    : problem('invalid_field', { field: 'email', detail: 'an address looks like name@example.org' })
}

export function scopesProblem(scopes: readonly string[] | undefined) {
  if (scopes === undefined) return undefined
  if (scopes.length > mostScopes || !scopes.every(isScopeToken))
    return problem('invalid_field', {
      field: 'scopes',
      detail: `at most ${mostScopes} scopes, each a word of visible ASCII characters`,
    })
  const idle = scopes.find((scope) => !countsForAccounts(scope))
  return idle === undefined
    ? undefined
    : problem('invalid_field', {
        field: 'scopes',
        detail: `${idle} means nothing as a scope of an account: who administers has the role admin, and the vault is everybody's`,
      })
}
