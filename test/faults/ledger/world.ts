import { AsyncLocalStorage } from 'node:async_hooks'
import { createPrivateKey, sign, type KeyObject } from 'node:crypto'
import type { Books, Journal, Person } from './books.ts'
import type { Dice } from './dice.ts'
import type { Answer, Ask, Reply, Wire } from './wire.ts'

/** The load's clients at the server: one with a secret, one with a key. */
export const clients = { app: 'app', signer: 'signer' } as const
export const redirectUri = 'https://app.example/cb'

/** Everything that an operation needs. */
export type World = {
  readonly issuer: string
  readonly books: Books
  readonly journal: Journal
  readonly appSecret: string
  readonly signerKey: string
  readonly adminPassword: string
  /**
   * What a 503 says about what was asked for. `nothing`: it didn't happen, and that is checked. `unknown`: it may have, as
   * when the disk breaks in the middle of a commit.
   */
  readonly unavailable: 'nothing' | 'unknown'
  /** The one life of the server that is on now. */
  wire: Wire
  spawnedAt: number
  /** The server isn't restarted: for a predecessor whose successor arrived the grace counts from then alone. */
  livesOn?: boolean
  /** Several versions of the program answer: an older one shows less of what a newer one made. */
  mixed?: boolean
  adminToken: { readonly text: string; readonly at: number } | undefined
  /** From now on an answer may be lost without anybody being to blame. */
  faulted: boolean
  /** The load ends. */
  ended: boolean
}

export type Outcome<T> =
  | { readonly is: 'done'; readonly value: T }
  | { readonly is: 'refused'; readonly status: number; readonly error: string }
  /** It did not happen, says whoever answered or didn't. */
  | { readonly is: 'nothing'; readonly why: string }
  | { readonly is: 'unknown'; readonly why: string }

/** For the journal: whose request it is. */
export const acting = new AsyncLocalStorage<Person>()

/** Ask, and sort the reply. Nothing but a 503 with Retry-After may stand for trouble inside (G20). */
export async function outcomeOf(world: World, what: string, path: string, ask?: Ask): Promise<Outcome<Answer>> {
  const outcome = sort(world, what, await world.wire.ask(path, ask))
  world.journal.count(`${what} ${outcome.is}`)
  const { value: _answer, ...rest } = 'value' in outcome ? outcome : { ...outcome, value: undefined }
  const tail = ask?.form === undefined ? path : (Object.values(ask.form).at(1)?.slice(-12) ?? path)
  world.journal.note({ who: acting.getStore()?.username, what, about: tail, ...rest })
  return outcome
}

/** RFC 9112 §9.3.1: a request on a connection that was silent for long may cross its end on the wire, and nobody is to blame. */
const silenceMillis = 1_000

function sort(world: World, what: string, reply: Reply): Outcome<Answer> {
  const { journal } = world
  if ('unsent' in reply) {
    world.ended = true
    return { is: 'nothing', why: 'nobody listens' }
  }
  if ('lost' in reply) {
    if (!world.faulted && reply.silentMillis < silenceMillis)
      journal.violate(
        'INV10',
        `${what}: the answer was lost without a fault: ${reply.lost} after ${Math.round(reply.silentMillis)} ms of silence`,
      )
    return { is: 'unknown', why: reply.lost }
  }
  const { status } = reply
  if (status < 400) return { is: 'done', value: reply }
  if (status < 500 && status !== 429) return { is: 'refused', status, error: errorOf(reply) }
  if (status === 503 && reply.headers['retry-after'] === undefined)
    journal.violate('INV10', `${what}: 503 without Retry-After`)
  if (status > 500 ? status !== 503 : status === 500) journal.violate('INV10', `${what}: ${status} ${reply.text}`)
  return { is: status === 503 ? world.unavailable : 'nothing', why: `${status} ${reply.text.slice(0, 200)}` }
}

function errorOf(answer: Answer): string {
  try {
    const body = JSON.parse(answer.text) as { error?: string; code?: string }
    return body.error ?? body.code ?? 'unnamed'
  } catch {
    return 'unnamed'
  }
}

/** A request in the browser of a person, cookies kept, redirects not followed. */
export async function browse(
  world: World,
  person: Person,
  what: string,
  path: string,
  ask: Ask = {},
): Promise<Outcome<Answer>> {
  const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const outcome = await outcomeOf(world, what, path, {
    ...ask,
    headers: { ...ask.headers, ...(cookie !== '' && { cookie }) },
  })
  if (outcome.is !== 'done') return outcome
  for (const line of outcome.value.headers['set-cookie'] ?? []) {
    const [pair = ''] = line.split(';', 1)
    const name = pair.slice(0, pair.indexOf('='))
    if (/max-age=0/i.test(line)) person.cookies.delete(name)
    else person.cookies.set(name, pair.slice(pair.indexOf('=') + 1))
  }
  return outcome
}

/** The app at an endpoint of clients. */
export function asApp(
  world: World,
  what: string,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<Outcome<Answer>> {
  const authorization = basic(clients.app, world.appSecret)
  return outcomeOf(world, what, path, { form, headers: { authorization } })
}

export function basic(clientId: string, secret: string): string {
  return `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
}

/** The administrator at the REST API. */
export function asAdmin(world: World, what: string, path: string, ask: Ask = {}): Promise<Outcome<Answer>> {
  const authorization = `Bearer ${world.adminToken?.text ?? ''}`
  return outcomeOf(world, what, path, { ...ask, headers: { authorization } })
}

/** Changing a password takes a sign-in of the last five minutes. */
const adminTokenMillis = 200_000

export async function refreshAdminToken(world: World): Promise<void> {
  if (world.adminToken !== undefined && Date.now() - world.adminToken.at < adminTokenMillis) return
  const at = Date.now()
  const form = { grant_type: 'password', client_id: 'loopback', username: 'admin', password: world.adminPassword }
  const outcome = await outcomeOf(world, 'admin token', '/oauth/token', { form })
  if (outcome.is !== 'done') throw new Error(`no token for the administrator: ${JSON.stringify(outcome)}`)
  const { access_token: text } = jsonOf(outcome.value) as { access_token: string }
  world.adminToken = { text, at }
  world.books.issued.add(
    (JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }).jti,
  )
}

export function jsonOf(answer: Answer): Readonly<Record<string, unknown>> {
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>
}

/** A client assertion (RFC 7523) of the signer, good for one request within two minutes. */
export function signAssertion(world: World, dice: Dice): { readonly text: string; readonly expiresAt: number } {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: clients.signer,
    sub: clients.signer,
    aud: world.issuer,
    jti: `jti-${dice.fraction()}-${(world.books.counter += 1)}`,
    exp: now + 240,
    iat: now,
  }
  const head = `${encode({ alg: 'ES256', typ: 'client-authentication+jwt' })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(head), { key: keyOf(world.signerKey), dsaEncoding: 'ieee-p1363' })
  return { text: `${head}.${signature.toString('base64url')}`, expiresAt: claims.exp * 1000 }
}

const keys = new Map<string, KeyObject>()

function keyOf(pem: string): KeyObject {
  const key = keys.get(pem) ?? createPrivateKey(pem)
  keys.set(pem, key)
  return key
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
