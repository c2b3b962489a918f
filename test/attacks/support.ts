import { expect } from 'vitest'
import type { Kind } from '../../src/domain/record.ts'
import { errorOf, type Answer } from '../kit/browser.ts'
import { tokenRequest } from '../kit/flow.ts'
import type { MadeClient, TestGatehouse } from '../kit/gatehouse.ts'

/** Where a case takes place: a server, an honest client of it, and what must never be seen. */
export type House = {
  readonly server: TestGatehouse
  /** A confidential client that may use `client_credentials`: its request shows that the server still works. */
  readonly app: MadeClient
  /** Canaries: add what a case must not leak. */
  readonly secrets?: readonly string[]
}

/** Anything that came over the wire: an answer, or raw bytes. */
export type Seen = Answer | { readonly text: string }

export type But = {
  /** Kinds of records that this case may write. An audit event must be allowed by name (`event`). */
  readonly writes?: readonly Kind[]
  /** Canaries for this case alone. */
  readonly secrets?: readonly string[]
}

/**
 * One case: sends, and asserts around it what every case asserts: no state was written but what is allowed, no canary stands
 * in an answer, a `Location`, the log, an event or a metric, and the next honest request works. The caller asserts the answer.
 */
export async function attack<T extends Seen | readonly Seen[]>(
  house: House,
  send: () => Promise<T>,
  but: But = {},
): Promise<T> {
  const before = await stateOf(house.server, but.writes)
  const since = { log: house.server.logged().length, at: house.server.core.clock.millis() }
  const seen = await send()
  expect(changed(before, await stateOf(house.server, but.writes)), 'nothing is written').toEqual([])
  const answers: readonly Seen[] = Array.isArray(seen) ? seen : [seen as Seen]
  await expectNoSecret(house.server, [...(house.secrets ?? []), ...(but.secrets ?? [])], answers, since)
  await expectAlive(house)
  return seen
}

/** Several sendings of one case, one after another. */
export async function inTurn<T, S extends Seen>(things: readonly T[], send: (thing: T) => Promise<S>): Promise<S[]> {
  const seen: S[] = []
  for (const thing of things) seen.push(await send(thing))
  return seen
}

const kinds = Object.keys({
  instance: 1,
  client: 1,
  resource: 1,
  user: 1,
  name: 1,
  session: 1,
  attempt: 1,
  factors: 1,
  interaction: 1,
  flow: 1,
  newcomer: 1,
  identity: 1,
  connection: 1,
  edition: 1,
  consent: 1,
  grant: 1,
  once: 1,
  revoked: 1,
  key: 1,
  change: 1,
  event: 1,
  chain: 1,
  seal: 1,
  bound: 1,
  relay: 1,
  lease: 1,
  ticket: 1,
  outbox: 1,
  withdrawal: 1,
  revocation: 1,
} satisfies Record<Kind, 1>) as Kind[]

/** Every record by kind and id, as text; `except` leaves kinds out. */
export async function stateOf(
  server: TestGatehouse,
  except: readonly Kind[] = [],
): Promise<Readonly<Record<string, string>>> {
  const state: Record<string, string> = {}
  for (const kind of kinds.filter((one) => !except.includes(one))) {
    for await (const { id, ...record } of server.core.admin.scan(kind)) state[`${kind} ${id}`] = JSON.stringify(record)
  }
  return state
}

/** What differs between two states, a line each. */
export function changed(before: Readonly<Record<string, string>>, after: typeof before): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .map((key) => `${key}: ${before[key] ?? 'absent'} → ${after[key] ?? 'gone'}`)
}

/** Every audit event, as they are stored. */
export async function eventsOf(server: TestGatehouse): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const events: Readonly<Record<string, unknown>>[] = []
  for await (const { value } of server.core.admin.scan('event')) events.push({ ...value })
  return events
}

/** No canary, in any encoding it could travel in, in answers, `Location`, log, events or metrics (of all time, or since then). */
export async function expectNoSecret(
  server: TestGatehouse,
  secrets: readonly string[],
  answers: readonly Seen[] = [],
  since: { readonly log: number; readonly at: number } = { log: 0, at: 0 },
): Promise<void> {
  if (secrets.length === 0) return
  const recent = (await eventsOf(server)).filter(({ at }) => Number(at) >= Math.floor(since.at / 1000))
  const places: readonly (readonly [string, string])[] = [
    ...answers.map((answer) => ['an answer', wholeText(answer)] as const),
    ['the log', server.logged().slice(since.log)],
    ['the events', JSON.stringify(recent)],
    ['the metrics', await server.metricsText()],
  ]
  for (const secret of secrets) {
    if (secret.length < 6) throw new Error('a canary must be long enough not to stand somewhere by chance')
    for (const [place, text] of places) {
      // Not toContain: its message would print the whole log.
      const found = spellings(secret).find((spelling) => text.includes(spelling))
      expect(found === undefined ? undefined : around(text, found), `${place} holds a canary`).toBeUndefined()
    }
  }
}

/** The next honest request works. */
export async function expectAlive({ server, app }: House): Promise<void> {
  const answer = await tokenRequest(server, app, { grant_type: 'client_credentials', scope: 'read' })
  expect(answer.status, `an honest request: ${answer.text}`).toBe(200)
}

/** `PAGE`: for the person alone, nothing goes anywhere. */
export function expectPage(answer: Answer, error = 'invalid_request', status = 400): void {
  expect({ status: answer.status, location: answer.location, error: errorOf(answer.text) }).toEqual({
    status,
    location: undefined,
    error,
  })
  expect(answer.headers.get('content-type')).toMatch(/^text\/html\b/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
}

/** `REDIR(e)`: 303 to the registered URI with the error, `state` and `iss`, each once, and no code or token. */
export function expectRedirect(
  answer: Answer,
  server: Pick<TestGatehouse, 'url'>,
  error: string,
  { to = 'https://app.example/cb', state = 'a state' }: { readonly to?: string; readonly state?: string | null } = {},
): void {
  expect(answer.status, answer.text).toBe(303)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const location = new URL(answer.location ?? '')
  expect(`${location.origin === 'null' ? location.protocol : location.origin}${location.pathname}`).toBe(to)
  const { searchParams } = location
  expect(searchParams.getAll('error')).toEqual([error])
  expect(searchParams.getAll('state')).toEqual(state === null ? [] : [state])
  expect(searchParams.getAll('iss')).toEqual([server.url])
  for (const name of ['code', 'access_token', 'id_token']) expect(searchParams.has(name), name).toBe(false)
  expect(location.hash).toBe('')
}

/** `TOK(e)`: 400 JSON, never cached, nothing that looks like a token; `invalid_client` is 401 and says how to authenticate. */
export function expectTokenError(answer: Answer, error: string): void {
  expect({ status: answer.status, error: answer.json()['error'] }, answer.text).toEqual({
    status: error === 'invalid_client' ? 401 : 400,
    error,
  })
  if (error === 'invalid_client') expect(answer.headers.get('www-authenticate')).toMatch(/^(?:Basic|Client) realm=/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(answer.text).not.toMatch(/gth_|eyJ[\w-]+\.|access_token|refresh_token/)
}

function wholeText(seen: Seen): string {
  return 'headers' in seen ? `${JSON.stringify([...seen.headers])} ${seen.location ?? ''} ${seen.text}` : seen.text
}

function spellings(secret: string): readonly string[] {
  return [
    ...new Set([
      secret,
      encodeURIComponent(secret),
      new URLSearchParams([['', secret]]).toString().slice(1),
      Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1),
      Buffer.from(secret).toString('base64url').slice(0, -1),
    ]),
  ]
}

function around(text: string, found: string): string {
  const at = text.indexOf(found)
  return text.slice(Math.max(0, at - 80), at + found.length + 20)
}
