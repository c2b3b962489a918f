import { ref } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { isRefusal } from '../protocol/errors.ts'
import { normaliseUsername } from '../protocol/username.ts'
import { readAlive } from '../store/read-alive.ts'
import { emailRef } from './email-name.ts'
import type { AccountsContext } from './context.ts'

type Look = Pick<AccountsContext, 'clock' | 'transition'>

export function findUser({ clock, transition }: Look, userId: string): Promise<User | undefined> {
  return readAlive(transition.store, ref('user', userId), clock.seconds())
}

/** The account that a person means who typed a name or a proved address. */
export async function findUserAsked(context: Look, asked: string): Promise<User | undefined> {
  if (!asked.includes('@')) return findUserNamed(context, asked)
  const name = await readAlive(context.transition.store, emailRef(asked.trim()), context.clock.seconds())
  return name === undefined ? undefined : findUser(context, name.target)
}

/** What was typed, in its one spelling: whatever way a name or an address is written, it is counted as one (H05). */
export function askedName(asked: string): string {
  return asked.includes('@') ? emailRef(asked.trim()).id : normalOf(asked)
}

/** The account of a user name in any spelling that is the same name. */
export async function findUserNamed(context: Look, username: string): Promise<User | undefined> {
  const normal = normaliseUsername(username)
  if (isRefusal(normal)) return undefined
  const name = await readAlive(context.transition.store, usernameRef(normal), context.clock.seconds())
  return name === undefined ? undefined : findUser(context, name.target)
}

/** Where a user name in normal form is kept, so that it is one account's alone. */
export const usernameRef = (normal: string) => ref('name', `username:${normal}`)

/** A stored name was acceptable once; should the rules have changed since, it still stands where it was put. */
export function normalOf(username: string): string {
  const normal = normaliseUsername(username)
  return isRefusal(normal) ? username.toLowerCase() : normal
}
