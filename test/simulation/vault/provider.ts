import type { OutboundAnswer } from '../../../src/outbound/create-outbound.ts'

/** What came of one consent at the provider: tokens of growing generations, of which the last refresh token alone is good. */
export type Family = {
  readonly name: string
  readonly account: string
  generation: number
  /** Milliseconds, by generation, at which its access token ends. */
  readonly accessUntil: number[]
  ended?: 'reuse' | 'withdrawn' | 'given back'
}

export type Told = { readonly family: Family; readonly generation: number }

type Issued = { readonly family: Family; readonly access: string; readonly refresh: string }

export type Provider<Request> = {
  /** Somebody consents: the first tokens of a family. */
  readonly grant: (account: string) => Issued
  /** Seconds. */
  readonly life: number
  /** What a token says, whatever it is worth. */
  readonly read: (token: string) => Told | undefined
  /** Whether its API takes this access token. */
  readonly takes: (access: string) => boolean
  /** Whether this refresh token would give tokens. */
  readonly isGood: (refresh: string) => boolean
  readonly families: () => readonly Family[]
  /** RFC 6749 §6, RFC 7009. */
  readonly refresh: (token: string, request: Request) => OutboundAnswer
  readonly revoke: (token: string) => OutboundAnswer
}

export const answer = (status: number, body: object): OutboundAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
})

/** A strict one, as RFC 9700 §4.14 wants it: each refresh token is good once, and one that comes again ends all that came of its consent. */
export function createProvider<Request>(context: {
  readonly now: () => number
  /** Seconds. */
  readonly life: number
  /** Told before anything comes of it. */
  readonly onRefresh: (told: Told, came: 'newest' | 'again', request: Request) => void
}): Provider<Request> {
  const families = new Map<string, Family>()
  const { now, life } = context

  function read(token: string): Told | undefined {
    const [, name = '', generation] = token.split('.')
    const family = families.get(name)
    return family === undefined ? undefined : { family, generation: Number(generation) }
  }

  function issue(family: Family): Issued {
    family.accessUntil.push(now() + life * 1000)
    const of = `${family.name}.${family.generation}`
    return { family, access: `access.${of}`, refresh: `refresh.${of}` }
  }

  const isGood = (refresh: string): boolean => {
    const told = read(refresh)
    return told !== undefined && told.family.ended === undefined && told.generation === told.family.generation
  }

  return {
    life,
    read,
    isGood,
    families: () => [...families.values()],
    grant: (account) => {
      const family: Family = { name: `f${families.size}`, account, generation: 0, accessUntil: [] }
      families.set(family.name, family)
      return issue(family)
    },
    takes: (access) => {
      const told = read(access)
      if (told === undefined || told.family.ended !== undefined) return false
      return now() < (told.family.accessUntil[told.generation] ?? 0)
    },
    refresh: (token, request) => {
      const told = read(token)
      if (told === undefined || told.family.ended !== undefined) return answer(400, { error: 'invalid_grant' })
      const { family } = told
      const came = told.generation === family.generation ? 'newest' : 'again'
      context.onRefresh(told, came, request)
      if (came === 'again') {
        family.ended = 'reuse'
        return answer(400, { error: 'invalid_grant' })
      }
      family.generation += 1
      const { access, refresh } = issue(family)
      return answer(200, { access_token: access, refresh_token: refresh, token_type: 'Bearer', expires_in: life })
    },
    revoke: (token) => {
      const told = read(token)
      // What was used up says nothing of what came of it, and an access token ends nothing but itself.
      if (told !== undefined && isGood(token) && token.startsWith('refresh.')) told.family.ended = 'given back'
      return answer(200, {})
    },
  }
}
