import { appendFileSync } from 'node:fs'

/** Whether something happened. `maybe`: it was asked for, and the answer was lost. Only a look at the server after the fault tells. */
export type Known = 'no' | 'yes' | 'maybe'

export type AccessToken = {
  readonly text: string
  readonly jti: string
  readonly grantId: string
  readonly expiresAt: number
  dead: Known
}

/** What came of one code: a grant, its refresh tokens and its access tokens. */
export type Family = {
  readonly grantId: string
  /** Every acknowledged one, oldest first. */
  readonly refresh: string[]
  /** The newest was presented and no answer came. */
  unanswered: boolean
  /** When it was presented first: on a server that lives on its grace counts from then at the earliest. */
  askedAt?: number | undefined
  /** When its newest token came. */
  rotatedAt?: number
  dead: Known
  /** The last few. */
  access: AccessToken[]
  touched: boolean
}

export type Code = {
  readonly text: string
  readonly issuedAt: number
  redeemed: Known
  /** Of the grant, once its tokens have told it. */
  grantId: string | undefined
  touched: boolean
}

/** A record made over the REST API. */
export type Made = {
  readonly kind: 'users' | 'clients' | 'resources'
  /** Chosen by us, so that it can be looked for when the answer was lost. */
  readonly name: string
  /** What the acknowledging answer said, without the secret. */
  document: Readonly<Record<string, unknown>> | undefined
  exists: Known
  deleted: Known
  secret: string | undefined
  /** Another secret was asked for and no answer came. */
  secretLost: boolean
  /** Replaced, so that they must never work again. */
  readonly oldSecrets: string[]
  touched: boolean
}

export type Assertion = { readonly text: string; readonly expiresAt: number; used: Known; touched: boolean }

/** One of the clients that make the load: an account with a browser, and all that came of them. One request at a time, races apart. */
export type Person = {
  readonly index: number
  readonly userId: string
  readonly username: string
  password: string
  /** Of a change of password that got no answer. */
  passwordAsked: string | undefined
  epoch: number
  /** A bump, a lock or a new password was asked for and no answer came. */
  epochUnknown: boolean
  /** What was there when it was asked for: it has ended if the epoch went on. */
  atStake: Set<Family | Code | 'session' | 'consent'>
  locked: boolean
  cookies: Map<string, string>
  session: Known
  consent: Known
  /** When nobody knew how far its withdrawal had come: the server finishes it by itself, seconds later. */
  withdrawnAt?: number
  families: Family[]
  codes: Code[]
  /** Tokens of the client itself. */
  own: AccessToken[]
  made: Made[]
  assertions: Assertion[]
}

/** Everything that was acknowledged. Plain values, so that a run can go back to a copy. */
export type Books = {
  readonly persons: Person[]
  /** `jti` of every access token that reached us. */
  readonly issued: Set<string>
  /** Codes that reached us. */
  codes: number
  /** Requests that would have made a token, and whose answers were lost: each may have left one event. */
  lostTokens: number
  lostCodes: number
  /** Names that were asked for with any outcome but a no. */
  readonly names: Set<string>
  /** Grants whose old tokens or codes we showed again ourselves. */
  readonly replayed: Set<string>
  /** The same for codes whose grant we never learnt. */
  blindReplays: number
  counter: number
}

export const invariants = ['INV1', 'INV2', 'INV3', 'INV4', 'INV5', 'INV7', 'INV8', 'INV9', 'INV10'] as const
export type Invariant = (typeof invariants)[number]

/** What a run found and did, and its file. */
export type Journal = {
  readonly violations: string[]
  /** Answers by what was asked. */
  readonly answers: Map<string, number>
  readonly violate: (invariant: Invariant, what: string) => void
  readonly note: (fact: Readonly<Record<string, unknown>>) => void
  readonly count: (what: string) => void
  readonly save: () => void
}

export function openJournal(path: string): Journal {
  const violations: string[] = []
  const answers = new Map<string, number>()
  let lines: string[] = []
  const note: Journal['note'] = (fact) => {
    if (lines.push(JSON.stringify({ at: Date.now(), ...fact })) >= 1_000) save()
  }
  const save = (): void => {
    appendFileSync(path, `${lines.join('\n')}\n`)
    lines = []
  }
  return {
    violations,
    answers,
    note,
    save,
    violate: (invariant, what) => {
      violations.push(`${invariant}: ${what}`)
      note({ violated: invariant, what })
    },
    count: (what) => void answers.set(what, (answers.get(what) ?? 0) + 1),
  }
}

export function newBooks(): Books {
  return {
    persons: [],
    issued: new Set(),
    codes: 0,
    lostTokens: 0,
    lostCodes: 0,
    names: new Set(),
    replayed: new Set(),
    blindReplays: 0,
    counter: 0,
  }
}

/** All that an account was given dies with its epoch. */
export function endAll(person: Person, epoch: number): void {
  person.epoch = epoch
  person.epochUnknown = false
  person.atStake.clear()
  person.session = 'no'
  person.consent = 'no'
  for (const family of person.families) endFamily(family)
  // A code is bound to the epoch that it was given in.
  for (const code of person.codes) endCode(code)
}

/** A change of the epoch was asked for and no answer came: only what comes from now on can outlive it. */
export function stakeAll(person: Person): void {
  person.epochUnknown = true
  person.atStake = new Set([...person.atStake, ...person.families, ...person.codes, 'session', 'consent'])
  unsettleAll(person)
}

/**
 * The epoch went on by a request whose answer was lost. What was there when it was sent has ended; what came since may have come
 * before it or after it, by those who are left when one worker is killed.
 */
export function endEarlier(person: Person, epoch: number): void {
  const { atStake } = person
  unsettleAll(person)
  person.epoch = epoch
  if (atStake.has('session')) person.session = 'no'
  if (atStake.has('consent')) person.consent = 'no'
  for (const family of person.families) if (atStake.has(family)) endFamily(family)
  for (const code of person.codes) if (atStake.has(code)) endCode(code)
  atStake.clear()
}

export function endCode(code: Code): void {
  code.redeemed = 'yes'
  code.touched = true
}

export function endFamily(family: Family): void {
  family.dead = 'yes'
  family.touched = true
  for (const token of family.access) token.dead = 'yes'
}

/** It may have ended, and the answer that would tell was lost. */
export function unsettle(family: Family): void {
  family.touched = true
  if (family.dead === 'no') family.dead = 'maybe'
  for (const token of family.access) if (token.dead === 'no') token.dead = 'maybe'
}

/** Everything that an account was given may have ended. */
export function unsettleAll(person: Person): void {
  if (person.session === 'yes') person.session = 'maybe'
  unsettleGrants(person)
}

/** All that it agreed to, and what came of that, may have ended. */
export function unsettleGrants(person: Person): void {
  if (person.consent === 'yes') person.consent = 'maybe'
  for (const family of person.families) unsettle(family)
  for (const code of person.codes) if (code.redeemed === 'no') code.redeemed = 'maybe'
}

/** What the claims of a JWT say; nobody here checks its signature. */
export function claimsOf(jwt: string): { readonly jti: string; readonly gid: string; readonly exp: number } {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as ReturnType<typeof claimsOf>
}
