import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { freePort } from '../../kit/free-port.ts'
import { newBooks, type Books, type Journal, type Person } from './books.ts'
import { serve } from './server-process.ts'
import { authorize } from './sign-in.ts'
import { openWire } from './wire.ts'
import { asAdmin, clients, jsonOf, redirectUri, refreshAdminToken, type World } from './world.ts'

/** As many as load a server at a time. */
const usualPersons = 64
const scope = 'openid profile offline_access'

/** A data directory with everybody in it and signed in, to be copied for each stretch of a run, and the books of it. */
export type Template = {
  readonly dataDirectory: string
  readonly port: number
  readonly environment: Readonly<Record<string, string>>
  /** Of another tree, if its server plays. */
  readonly program?: string
  readonly books: Books
  readonly appSecret: string
  readonly signerKey: string
  readonly adminPassword: string
}

export const adminPassword = 'a ledger outside the blast radius'

/** `environment` goes to every server of the run. Throws if any of it can't be had. */
export async function prepare(
  folder: string,
  journal: Journal,
  {
    environment = {},
    persons = usualPersons,
    program,
  }: { readonly environment?: Template['environment']; readonly persons?: number; readonly program?: string },
): Promise<Template> {
  const dataDirectory = `${folder}/template`
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const port = await freePort()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const template = {
    dataDirectory,
    port,
    environment: { ...environment, GATEHOUSE_ADMIN_PASSWORD: adminPassword, NODE_COMPILE_CACHE: `${folder}/compiled` },
    signerKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    adminPassword,
    ...(program !== undefined && { program }),
  }
  const server = await serve(template)
  const world = worldOf({ ...template, books: newBooks(), appSecret: '' }, journal, 'nothing')
  world.wire = openWire(port)
  await refreshAdminToken(world)
  const app = await must(world, '/api/v1/clients', {
    client_id: clients.app,
    client_name: 'The app of the ledger',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope,
    id_token_signed_response_alg: 'ES256',
  })
  await must(world, '/api/v1/clients', {
    client_id: clients.signer,
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
  })
  await inFours(Array.from({ length: persons }, (_, index) => () => makePerson(world, index)))
  world.wire.close()
  server.kill('SIGTERM')
  await server.exited
  return { ...template, books: world.books, appSecret: String(app['client_secret']) }
}

/** The world of a template, before the server's first life. */
export function worldOf(template: Template, journal: Journal, unavailable: World['unavailable']): World {
  return {
    issuer: `http://localhost:${template.port}`,
    books: structuredClone(template.books),
    journal,
    appSecret: template.appSecret,
    signerKey: template.signerKey,
    adminPassword: template.adminPassword,
    unavailable,
    wire: openWire(template.port),
    spawnedAt: 0,
    adminToken: undefined,
    faulted: false,
    ended: false,
  }
}

async function makePerson(world: World, index: number): Promise<void> {
  const username = `person${index}`
  const password = `the password of person ${index} of many`
  const made = await must(world, '/api/v1/users', { username, password })
  const person: Person = {
    index,
    userId: String(made['user_id']),
    username,
    password,
    passwordAsked: undefined,
    epoch: Number(made['epoch']),
    epochUnknown: false,
    atStake: new Set(),
    locked: false,
    cookies: new Map(),
    session: 'no',
    consent: 'no',
    families: [],
    codes: [],
    own: [],
    made: [],
    assertions: [],
  }
  await authorize(world, person)
  person.codes = []
  world.books.persons.push(person)
}

async function must(world: World, path: string, json: unknown): Promise<Readonly<Record<string, unknown>>> {
  let outcome = await asAdmin(world, 'prepare', path, { json })
  // On a busy machine the judge of passwords runs out of time, and says no to a good one.
  for (let more = 5; more > 0 && outcome.is === 'refused' && outcome.error === 'invalid_field'; more -= 1)
    outcome = await asAdmin(world, 'prepare', path, { json })
  if (outcome.is !== 'done') throw new Error(`${path}: ${JSON.stringify(outcome)}`)
  return jsonOf(outcome.value)
}

/** Password hashing has two threads and a short queue. */
async function inFours(jobs: (() => Promise<void>)[]): Promise<void> {
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job()
    }),
  )
}
