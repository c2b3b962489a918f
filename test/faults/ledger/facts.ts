import { claimsOf, type AccessToken, type Family, type Journal } from './books.ts'
import type { Kept } from './kept.ts'
import type { Answer, Ask, Wire } from './wire.ts'
import { acting } from './world.ts'

/** What one answer said that stands in the store from its commit on, for good. */
type Fact = {
  readonly what: string
  /** Milliseconds by `performance.now`: its commit came after the one and before the other. */
  readonly askedAt: number
  readonly answeredAt: number
  /** It may have been so before it was asked for: then that it is there says nothing about when. */
  readonly alreadySo: boolean
  /** Undefined: something later may have undone it. */
  readonly holds: (kept: Kept) => boolean | undefined
}

export type Facts = {
  /** The same wire, whose answers are noted. */
  readonly watch: (wire: Wire) => Wire
  /**
   * Whether a copy of the store, begun at that moment, is as of one commit: it holds what was acknowledged before it began; and if
   * it holds what was asked for at some time, also everything that was acknowledged before that time.
   */
  readonly inspectCopy: (kept: Kept, begunAt: number, journal: Journal) => void
}

const record = /^\/api\/v1\/(users|clients|resources)\/([^/?]+)$/
const ended = /^\/api\/v1\/users\/([^/]+)\/revoke-tokens$/

export function createFacts(): Facts {
  const facts: Fact[] = []
  /** Records whose deletion was asked for, with whatever outcome. */
  const leaving = new Set<string>()

  function note(path: string, ask: Ask, answer: Answer, times: Pick<Fact, 'askedAt' | 'answeredAt'>): void {
    const add = (what: string, holds: Fact['holds'], alreadySo = false): void =>
      void facts.push({ what, ...times, alreadySo, holds })
    const said = objectOf(answer.text)
    const [, kind, id = ''] = record.exec(path) ?? []
    const [, person] = ended.exec(path) ?? []
    const { access_token: token, epoch } = said
    if (path === '/oauth/token' && typeof token === 'string') {
      const { jti } = claimsOf(token)
      add(`the token ${jti}`, ({ tokens }) => tokens.has(jti))
    } else if (path === '/oauth/revoke') noteRevocation(ask.form?.['token'] ?? '', times.answeredAt, add)
    else if (kind !== undefined && ask.method === 'DELETE')
      // It isn't there before it was made either.
      add(`the end of ${kind} ${id}`, ({ records }) => !records.has(`${kind} ${id}`), true)
    else if (typeof epoch === 'number' && (person !== undefined || changesPassword(ask))) {
      const userId = person ?? id
      add(`the epoch ${epoch} of ${userId}`, ({ epochs }) => (epochs.get(userId) ?? 0) >= epoch)
    } else noteMaking(path, said, add)
  }

  function noteMaking(path: string, said: Readonly<Record<string, unknown>>, add: Adding): void {
    const [, kind] = /^\/api\/v1\/(users|clients|resources)$/.exec(path) ?? []
    const id = said['user_id'] ?? said['client_id'] ?? said['resource_id']
    if (kind === undefined || typeof id !== 'string') return
    const name = `${kind} ${id}`
    add(name, ({ records }) => (leaving.has(name) ? undefined : records.has(name)))
  }

  return {
    watch: (wire) => ({
      ...wire,
      async ask(path, ask = {}) {
        const askedAt = performance.now()
        const [, kind, id] = record.exec(path) ?? []
        if (kind !== undefined && ask.method === 'DELETE') leaving.add(`${kind} ${id}`)
        const reply = await wire.ask(path, ask)
        if ('status' in reply && reply.status < 300) note(path, ask, reply, { askedAt, answeredAt: performance.now() })
        return reply
      },
    }),
    inspectCopy: (kept, begunAt, journal) => inspectFacts(facts, kept, begunAt, journal),
  }
}

type Adding = (what: string, holds: Fact['holds'], alreadySo?: boolean) => void

/** What the person who revokes it knows to be alive: revoking what has ended already writes nothing. */
function noteRevocation(text: string, answeredAt: number, add: Adding): void {
  const person = acting.getStore()
  if (person === undefined || person.epochUnknown || person.withdrawnAt !== undefined) return
  const isOf = ({ refresh }: Family): boolean => refresh.includes(text)
  const family = person.families.find((one) => one.dead === 'no' && isOf(one))
  const isIt = (token: AccessToken): boolean => token.text === text && token.dead === 'no'
  const token = [...person.families.flatMap(({ access }) => access), ...person.own].find(isIt)
  if (family !== undefined) {
    const latest = Math.floor((performance.timeOrigin + answeredAt) / 1000)
    // A restore ends every grant: this one had ended by then.
    const holds = ({ grants }: Kept): boolean => (grants.get(family.grantId)?.revokedAt ?? Infinity) <= latest
    add(`the end of grant ${family.grantId}`, holds, true)
  } else if (token !== undefined)
    add(`the end of token ${token.jti}`, ({ revokedTokens }) => revokedTokens.has(token.jti), true)
}

function inspectFacts(facts: readonly Fact[], kept: Kept, begunAt: number, journal: Journal): void {
  const looked = facts.map((fact) => ({ fact, held: fact.holds(kept) }))
  const missing = looked.filter(({ held }) => held === false).map(({ fact }) => fact)
  const latest = looked
    .filter(({ fact, held }) => held === true && !fact.alreadySo)
    .map(({ fact }) => fact)
    .reduce<Fact | undefined>(
      (last, fact) => (last !== undefined && last.askedAt > fact.askedAt ? last : fact),
      undefined,
    )
  journal.note({ facts: facts.length, missing: missing.length, latest: latest?.what })
  const [old, ...older] = missing.filter(({ answeredAt }) => answeredAt < begunAt)
  if (old !== undefined)
    journal.violate(
      'INV10',
      `the copy lacks ${old.what}, acknowledged ${Math.round(begunAt - old.answeredAt)} ms before it began, and ${older.length} more`,
    )
  if (latest === undefined) return
  const [torn, ...more] = missing.filter(({ answeredAt }) => answeredAt < latest.askedAt)
  if (torn !== undefined)
    journal.violate(
      'INV9',
      `the copy isn't of one commit: it holds ${latest.what}, asked for ${Math.round(latest.askedAt - torn.answeredAt)} ms after ${torn.what} was acknowledged, which it lacks, and ${more.length} more`,
    )
}

const changesPassword = ({ method, json }: Ask): boolean =>
  method === 'PATCH' && typeof json === 'object' && json !== null && 'password' in json

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
