import { createHash } from 'node:crypto'
import { readForm } from '../../kit/browser.ts'
import type { Known, Person } from './books.ts'
import { browse, clients, redirectUri, type Outcome, type World } from './world.ts'
import type { Answer } from './wire.ts'

/** The same for all: what PKCE keeps out is not what is tried here. */
export const verifier = 'the-verifier-of-every-code-in-the-ledger-0123456789'
const challenge = createHash('sha256').update(verifier).digest('base64url')

const query = new URLSearchParams({
  client_id: clients.app,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid profile offline_access',
  state: 'a state',
  code_challenge: challenge,
  code_challenge_method: 'S256',
}).toString()
const mostSteps = 8

/** From the authorization request to a code: signing in and agreeing on the way, where the books say that it may be asked. */
export async function authorize(world: World, person: Person): Promise<void> {
  let outcome = await browse(world, person, 'authorize', `/oauth/authorize?${query}`)
  for (let step = 0; step < mostSteps; step += 1) {
    if (outcome.is === 'unknown') world.books.lostCodes += 1
    if (outcome.is !== 'done') return
    const { location } = outcome.value.headers
    if (location === undefined) outcome = await onPage(world, person, outcome.value)
    else if (location.startsWith(redirectUri)) return arrive(world, person, new URL(location))
    else outcome = await browse(world, person, 'authorize', location)
  }
  world.journal.violate('INV3', `${person.username} was sent around in circles`)
}

/** Without a word to the person: a code if session and consent are there, else the error that says which isn't. */
export async function authorizeSilently(world: World, person: Person): Promise<void> {
  const what = 'authorize silently'
  let outcome = await browse(world, person, what, `/oauth/authorize?${query}&prompt=none`)
  // Something changed under it: it is to be asked once more.
  for (let step = 0; step < 3 && outcome.is === 'done' && outcome.value.headers.location?.startsWith('/'); step += 1)
    outcome = await browse(world, person, what, outcome.value.headers.location)
  if (outcome.is === 'unknown') world.books.lostCodes += 1
  if (outcome.is !== 'done') return
  const back = new URL(outcome.value.headers.location ?? 'about:blank')
  const error = back.searchParams.get('error')
  const { journal } = world
  if (error === null) {
    if (person.session === 'no') journal.violate('INV3', `an ended session of ${person.username} lives`)
    if (person.consent === 'no') journal.violate('INV3', `a consent of ${person.username} that is none gave a code`)
    arrive(world, person, back)
  } else if (error === 'login_required') {
    if (person.session === 'yes') journal.violate('INV5', `a session of ${person.username} is gone`)
    person.session = 'no'
  } else if (error === 'consent_required') {
    if (person.consent === 'yes') journal.violate('INV5', `a consent of ${person.username} is gone`)
    person.session = learnt(person.session, 'yes')
    person.consent = 'no'
  } else journal.violate('INV5', `${person.username} got ${error}`)
}

function arrive(world: World, person: Person, back: URL): void {
  const code = back.searchParams.get('code')
  if (code === null) {
    world.journal.violate('INV5', `${person.username} got no code: ${back.search}`)
    return
  }
  person.session = 'yes'
  person.consent = 'yes'
  world.books.codes += 1
  world.journal.note({ code: code.slice(-12), of: person.username })
  person.codes.push({ text: code, issuedAt: Date.now(), redeemed: 'no', grantId: undefined, touched: true })
}

async function onPage(world: World, person: Person, page: Answer): Promise<Outcome<Answer>> {
  const { journal } = world
  if (page.text.includes('<form id="sign-in"')) {
    if (person.session === 'yes') journal.violate('INV5', `${person.username} was signed in and is asked to sign in`)
    const outcome = await send(world, person, page, 'sign-in', { username: person.username, password: person.password })
    if (outcome.is === 'done' && outcome.value.text.includes('<form id="sign-in"')) {
      journal.violate('INV3', `the password of ${person.username} isn't taken`)
      return { is: 'nothing', why: 'not signed in' }
    }
    // The answer carries the cookie: without it the browser has what it had.
    if (outcome.is === 'done') person.atStake.delete('session')
    person.session = outcome.is === 'done' ? 'yes' : outcome.is === 'unknown' ? 'maybe' : person.session
    return outcome
  }
  if (page.text.includes('<form id="consent"')) {
    if (person.consent === 'yes') journal.violate('INV5', `${person.username} agreed and is asked again`)
    const outcome = await send(world, person, page, 'consent', { decision: 'allow' })
    // Even one whose answer was lost may be newer than what was at stake.
    if (outcome.is !== 'refused') person.atStake.delete('consent')
    if (outcome.is === 'done') person.consent = 'yes'
    else if (outcome.is === 'unknown') person.consent = 'maybe'
    return outcome
  }
  journal.violate(
    'INV5',
    `${person.username} stands before a page that is none: ${page.status} ${page.text.slice(0, 200)}`,
  )
  return { is: 'nothing', why: 'lost on the way' }
}

function send(
  world: World,
  person: Person,
  page: Answer,
  id: string,
  fields: Readonly<Record<string, string>>,
): Promise<Outcome<Answer>> {
  const form = readForm(page.text, id)
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(form.fields))
    all[name] = typeof value === 'string' ? value : value.join(' ')
  return browse(world, person, id, form.action, { form: { ...all, ...fields } })
}

const learnt = (before: Known, now: Known): Known => (before === 'maybe' ? now : before)
