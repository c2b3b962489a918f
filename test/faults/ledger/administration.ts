import { endAll, endEarlier, endCode, endFamily, stakeAll, unsettleGrants, type Made, type Person } from './books.ts'
import type { Dice } from './dice.ts'
import { asAdmin, basic, clients, jsonOf, outcomeOf, type Outcome, type World } from './world.ts'

// What is done over the REST API, and what each answer must have been by what is in the books.

/** End everything that an account was given (INV4). */
export function bump(world: World, person: Person): Promise<void> {
  return changeEpoch(world, person, 'bump', `${of(person)}/revoke-tokens`, { method: 'POST' })
}

export async function setPassword(world: World, person: Person, dice: Dice): Promise<void> {
  person.passwordAsked = `harbour ${dice.below(1e9)} lantern ${person.index}`
  await changeEpoch(world, person, 'set password', of(person), {
    method: 'PATCH',
    json: { password: person.passwordAsked },
  })
  if (person.epochUnknown) return
  person.passwordAsked = undefined
}

export async function lock(world: World, person: Person): Promise<void> {
  await changeEpoch(world, person, 'lock', of(person), { method: 'PATCH', json: { locked: true } })
}

export async function unlock(world: World, person: Person): Promise<void> {
  const outcome = await asAdmin(world, 'unlock', of(person), { method: 'PATCH', json: { locked: false } })
  if (outcome.is === 'done') takeOver(person, jsonOf(outcome.value))
  else if (outcome.is === 'unknown') stakeAll(person)
}

async function changeEpoch(
  world: World,
  person: Person,
  what: string,
  path: string,
  ask: { readonly method: string; readonly json?: unknown },
): Promise<void> {
  const outcome = await asAdmin(world, what, path, ask)
  if (outcome.is === 'done') {
    const before = person.epoch
    takeOver(person, jsonOf(outcome.value))
    if (person.epoch <= before)
      world.journal.violate('INV4', `${what}: the epoch of ${person.username} stays where it is`)
  } else if (outcome.is === 'unknown') {
    stakeAll(person)
    // A judge of passwords without time says no to a good one.
  } else if (outcome.is === 'refused' && outcome.error !== 'invalid_field')
    world.journal.violate('INV5', `${what} is refused: ${outcome.status} ${outcome.error}`)
}

/** What an answer says about an account. */
function takeOver(person: Person, document: Readonly<Record<string, unknown>>): void {
  const { epoch, locked } = document
  if (typeof locked === 'boolean') person.locked = locked
  if (typeof epoch === 'number' && epoch !== person.epoch) {
    if (person.epochUnknown) endEarlier(person, epoch)
    else endAll(person, epoch)
    if (person.passwordAsked !== undefined) person.password = person.passwordAsked
  }
  // An answer about the epoch alone doesn't tell how a lock ended whose answer was lost.
  if (typeof locked === 'boolean') {
    person.epochUnknown = false
    person.atStake.clear()
  }
}

/** The account as it stands: whole, and no acknowledged change of it undone (INV3, INV4). */
export async function inspectAccount(world: World, person: Person): Promise<void> {
  const { journal } = world
  const outcome = await asAdmin(world, 'show account', of(person))
  if (outcome.is !== 'done') {
    if (outcome.is === 'refused') journal.violate('INV5', `the account ${person.username} is gone: ${outcome.error}`)
    return
  }
  const document = jsonOf(outcome.value)
  if (document['username'] !== person.username) journal.violate('INV5', `the account ${person.username} isn't whole`)
  if (!person.epochUnknown && document['epoch'] !== person.epoch)
    journal.violate('INV4', `the epoch of ${person.username} is ${String(document['epoch'])}, not ${person.epoch}`)
  if (!person.epochUnknown && document['locked'] !== person.locked)
    journal.violate('INV3', `the lock of ${person.username} is ${String(document['locked'])}`)
  takeOver(person, document)
  person.passwordAsked = undefined
}

/**
 * Take back what the person agreed to: the app's grants die with it, one after the other. Whatever isn't a yes may have stopped
 * halfway, and is finished by asking again.
 */
export async function withdrawConsent(world: World, person: Person): Promise<void> {
  const outcome = await asAdmin(world, 'withdraw consent', `${of(person)}/consents/${clients.app}`, {
    method: 'DELETE',
  })
  if (outcome.is === 'done') {
    person.consent = 'no'
    for (const code of person.codes) endCode(code)
    for (const family of person.families) endFamily(family)
  } else if (outcome.is !== 'refused') {
    person.withdrawnAt = Date.now()
    unsettleGrants(person)
  } else if (person.consent === 'yes')
    world.journal.violate('INV5', `a consent of ${person.username} can't be withdrawn: ${outcome.error}`)
}

const bodies: Readonly<Record<Made['kind'], (name: string) => Readonly<Record<string, unknown>>>> = {
  users: (name) => ({ username: name, full_name: `Somebody called ${name}`, email: `${name}@example.org` }),
  clients: (name) => ({
    client_id: name,
    client_name: `The program ${name}`,
    redirect_uris: [`https://${name}.example/cb`],
    grant_types: ['authorization_code', 'client_credentials'],
  }),
  resources: (name) => ({
    resource: `https://${name}.example/`,
    resource_name: `The API ${name}`,
    scope: 'read write',
  }),
}

/** Make a user, client or API; the answer says all of it (INV5). */
export async function make(world: World, person: Person, kind: Made['kind']): Promise<void> {
  const name = `m${person.index}-${(world.books.counter += 1)}`
  world.books.names.add(name)
  const made: Made = {
    kind,
    name,
    document: undefined,
    exists: 'no',
    deleted: 'no',
    secret: undefined,
    secretLost: false,
    oldSecrets: [],
    touched: true,
  }
  const outcome = await asAdmin(world, `make ${kind}`, `/api/v1/${kind}`, { json: bodies[kind](name) })
  if (outcome.is === 'done') {
    const { client_secret: secret, client_secret_expires_at: _never, ...document } = jsonOf(outcome.value)
    made.exists = 'yes'
    made.document = document
    if (typeof secret === 'string') made.secret = secret
  } else if (outcome.is === 'unknown') made.exists = 'maybe'
  else {
    world.books.names.delete(name)
    if (outcome.is === 'refused') world.journal.violate('INV5', `make ${kind} is refused: ${outcome.error}`)
    return
  }
  person.made.push(made)
}

/** A name that is taken, in other letters: refused, and nothing of it is written (INV10). */
export async function makeTaken(world: World, made: Made): Promise<void> {
  const json = { username: made.name.toUpperCase(), full_name: 'An impostor' }
  const outcome = await asAdmin(world, 'make taken', '/api/v1/users', { json })
  if (outcome.is === 'done') world.journal.violate('INV5', `the name ${made.name} was given twice`)
}

export async function rotateSecret(world: World, made: Made): Promise<void> {
  made.touched = true
  const outcome = await asAdmin(world, 'rotate secret', `/api/v1/clients/${made.name}/secret`, { json: {} })
  if (outcome.is === 'done') {
    if (made.secret !== undefined) made.oldSecrets.push(made.secret)
    made.secret = String(jsonOf(outcome.value)['client_secret'])
  } else if (outcome.is === 'unknown') made.secretLost = true
  else if (outcome.is === 'refused')
    world.journal.violate('INV5', `the secret of ${made.name} can't be rotated: ${outcome.error}`)
}

export async function remove(world: World, made: Made): Promise<void> {
  made.touched = true
  const outcome = await asAdmin(world, `delete ${made.kind}`, placeOf(made), { method: 'DELETE' })
  if (outcome.is === 'done') made.deleted = 'yes'
  else if (outcome.is === 'unknown') made.deleted = 'maybe'
  else if (outcome.is === 'refused') world.journal.violate('INV5', `${made.name} can't be deleted: ${outcome.error}`)
}

/** What was made is there and whole; what may have been made is there and whole, or not at all; what was deleted stays so. */
export async function inspectMade(world: World, made: Made): Promise<void> {
  const { journal } = world
  const shown = await show(world, made)
  if (shown.is === 'unknown' || shown.is === 'nothing') return
  made.touched = false
  const there = shown.is === 'done'
  if (there && made.deleted === 'yes') journal.violate('INV3', `the deleted ${made.name} is back`)
  if (!there && made.exists === 'yes' && made.deleted === 'no')
    journal.violate('INV5', `${made.kind} ${made.name} is gone`)
  if (there && !sameDocument(world, made, shown.value))
    journal.violate('INV5', `${made.kind} ${made.name} isn't whole: ${JSON.stringify(shown.value)}`)
  made.exists = there || made.deleted !== 'no' ? 'yes' : 'no'
  made.deleted = made.deleted !== 'no' && !there ? 'yes' : 'no'
  if (there) made.document = shown.value
  else if (made.deleted === 'no') world.books.names.delete(made.name)
  if (made.kind === 'clients') await inspectSecrets(world, made, there)
}

async function show(world: World, made: Made): Promise<Outcome<Readonly<Record<string, unknown>>>> {
  const outcome = await asAdmin(world, `show ${made.kind}`, placeOf(made))
  if (outcome.is !== 'done') return outcome
  const document = jsonOf(outcome.value)
  if (made.kind === 'clients' || 'user_id' in document || 'resource_id' in document)
    return { is: 'done', value: document }
  // Looked for by name: a list of one or none.
  const [first, ...others] = document['items'] as readonly Readonly<Record<string, unknown>>[]
  if (others.length > 0) world.journal.violate('INV5', `${made.name} is there more than once`)
  return first === undefined ? { is: 'refused', status: 404, error: 'not_found' } : { is: 'done', value: first }
}

function placeOf({ kind, name, document }: Made): string {
  if (kind === 'clients') return `/api/v1/clients/${name}`
  if (kind === 'users')
    return document === undefined ? `/api/v1/users?username=${name}` : `/api/v1/users/${String(document['user_id'])}`
  return document === undefined
    ? `/api/v1/resources?resource=${encodeURIComponent(`https://${name}.example/`)}`
    : `/api/v1/resources/${String(document['resource_id'])}`
}

function sameDocument({ mixed }: World, made: Made, shown: Readonly<Record<string, unknown>>): boolean {
  const expected = made.document ?? bodies[made.kind](made.name)
  return Object.entries(expected).every(
    ([name, value]) => JSON.stringify(shown[name]) === JSON.stringify(value) || (mixed === true && !(name in shown)),
  )
}

async function inspectSecrets(world: World, made: Made, there: boolean): Promise<void> {
  const { journal } = world
  for (const old of made.oldSecrets.slice(-1)) {
    if ((await authenticates(world, made, old)) === true)
      journal.violate('INV3', `a replaced secret of ${made.name} works`)
  }
  if (made.secret === undefined) return
  const works = await authenticates(world, made, made.secret)
  if (works === true && !there) journal.violate('INV3', `the deleted client ${made.name} authenticates`)
  if (works === false && there && !made.secretLost) journal.violate('INV5', `the secret of ${made.name} doesn't work`)
  if (works === false && made.secretLost) {
    made.oldSecrets.push(made.secret)
    made.secret = undefined
  }
  if (works !== undefined) made.secretLost = false
}

async function authenticates(world: World, made: Made, secret: string): Promise<boolean | undefined> {
  const outcome = await outcomeOf(world, 'authenticate', '/oauth/introspect', {
    form: { token: 'none' },
    headers: { authorization: basic(made.name, secret) },
  })
  return outcome.is === 'done' ? true : outcome.is === 'refused' ? false : undefined
}

const of = (person: Person): string => `/api/v1/users/${person.userId}`
