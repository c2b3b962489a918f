import { sha256 } from '../crypto/hash.ts'
import type { JsonObject } from '../crypto/strict-json.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { isTime } from '../tokens/access-claims.ts'
import type { CaveatContext } from '../tokens/caveat-context.ts'
import { askJson, type Fetch } from './ask-json.ts'
import type { Caller, NoCaller } from './caller.ts'
import { createShortMemory } from './short-memory.ts'

/** How long an answer is believed: a revocation is late by this much at most. */
export const longestMemorySeconds: Seconds = 10
const mostAnswers = 2_000

export type AskServer = {
  readonly fetch: Fetch
  readonly now: () => EpochSeconds
  readonly resource: string
  /** `Authorization` of the API's own client (RFC 6749 §2.3.1). */
  readonly authorization: string
}

/**
 * Asks the server about a token (RFC 7662). Answers are kept for a few seconds by the token's hash and the call that a macaroon
 * is measured by, each yes apart from each no, so that made-up tokens push out nothing (K13); that nobody could say is never kept.
 */
export function createIntrospection(
  urlOf: () => Promise<string | undefined>,
  { fetch, now, resource, authorization }: AskServer,
  memorySeconds: Seconds,
) {
  const callers = createShortMemory<Caller>(mostAnswers, now)
  const nobody = createShortMemory<NoCaller>(mostAnswers, now)

  return async (token: string, call: CaveatContext | undefined): Promise<Caller | NoCaller> => {
    const context = call === undefined ? '' : JSON.stringify(call)
    const name = sha256(`${token}\n${context}`)
    const known = callers.recall(name) ?? nobody.recall(name)
    if (known !== undefined) return known
    const url = await urlOf()
    if (url === undefined) return { unavailable: true }
    const answer = await askJson(fetch, url, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ token, ...(context !== '' && { caveat_context: context }) }),
    })
    if (answer === undefined) return { unavailable: true }
    const found = readAnswer(answer, { resource, now: now() })
    const until = now() + Math.min(memorySeconds, longestMemorySeconds)
    if (memorySeconds <= 0) return found
    if ('subject' in found) callers.keep(name, found, Math.min(until, found.expiresAt))
    else nobody.keep(name, found, until)
    return found
  }
}

/** An active answer about this API, with everything that a caller must have; anything else is no caller. */
export function readAnswer(
  answer: JsonObject,
  expected: { readonly resource: string; readonly now: EpochSeconds; readonly provedBy?: Caller['provedBy'] },
): Caller | NoCaller {
  const { provedBy = 'introspection' } = expected
  const { active, aud, sub, client_id: clientId, scope, exp, username, auth_time: authTime, acr, ...claims } = answer
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const invalid = { invalid: provedBy === 'signature' ? 'signature' : 'token' } as const
  if (active !== true || !audience.includes(expected.resource)) return invalid
  if (typeof sub !== 'string' || typeof clientId !== 'string' || !isTime(exp) || exp <= expected.now) return invalid
  return {
    subject: sub,
    clientId,
    scope: typeof scope === 'string' && scope !== '' ? scope.split(' ') : [],
    ...(typeof username === 'string' && { username }),
    ...(isTime(authTime) && { authTime }),
    ...(typeof acr === 'string' && { acr }),
    expiresAt: exp,
    provedBy,
    claims,
  }
}
