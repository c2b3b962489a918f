import { clockTolerance } from '../protocol/time.ts'
import { existsSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { within } from '../audit/within.ts'
import type { Config } from '../config/config.ts'
import type { Client } from '../domain/client.ts'
import { keyLifetimes, rings } from '../domain/key-lifecycle.ts'
import { passkeysOf } from '../domain/factors.ts'
import { ref } from '../domain/record.ts'
import { signInBar } from '../domain/sign-in-bar.ts'
import type { User } from '../domain/user.ts'
import { loopbackClientId } from '../accounts/client-record.ts'
import { allClients } from '../accounts/find-client.ts'
import { findFactors } from '../accounts/find-factors.ts'
import { identitiesOf } from '../accounts/find-identity.ts'
import { allUsers } from '../accounts/list-users.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { countsForAccounts } from '../protocol/scope.ts'
import { sinkOf } from '../server/audit-sink.ts'
import { readAlive } from '../store/read-alive.ts'
import { fail, ok, warn, type Check } from './check.ts'
import { checkFileClients, checkNewEntries, checkResources } from './check-entries.ts'
import { clockBehind } from './clock-behind.ts'
import type { Io } from './io.ts'
import { openLocal, type Local } from './local.ts'
import { keyFileOf } from './local-protection.ts'
import { openRings } from './open-rings.ts'
import { textSettings } from './options.ts'
import { loadFrom } from './read-config.ts'
import type { Options } from './verb.ts'

const sinkMillis = 2_000

const lateSeconds = 24 * 60 * 60

/** Everything that can be checked from beside a server. */
export async function checkHouse(io: Io, options: Options): Promise<readonly Check[]> {
  const loaded = loadFrom(io, textSettings(options))
  if ('problems' in loaded) return loaded.problems.map((problem) => fail('config', problem))
  const { config, warnings } = loaded
  const before = [
    ok('config', config.file ?? 'no file: defaults, environment and flags'),
    ...warnings.map((warning) => warn('config', warning)),
    ...checkIssuer(config),
    ...checkProxies(config),
    ...checkProviders(config),
    ...(await checkSink(config)),
    ...checkWorkers(config),
  ]
  if (config.store.adapter === 'memory')
    return [...before, warn('store', 'in memory: nothing outlives the server'), ...checkNewEntries(config)]
  if (config.store.adapter === 'sqlite' && !existsSync(config.store.path)) {
    const later = warn('store', `${config.store.path} is not there yet; the first start makes it`)
    return [...before, later, ...checkNewEntries(config)]
  }
  const local = await openLocal(io, options, { secrets: true }).catch((error: unknown) => error)
  if (local instanceof Error) return [...before, fail('store', local.message)]
  const house = local as Local
  try {
    return [
      ...before,
      ...(await checkStore(house)),
      ...(await checkClock(house)),
      ...checkKeyFile(house),
      ...(await checkKeys(house)),
      ...(await checkClients(house)),
      ...(await checkPeople(house)),
    ]
  } finally {
    await house.close()
  }
}

function checkWorkers({ workers = 1 }: Config): readonly Check[] {
  const cores = availableParallelism()
  if (workers <= cores) return workers === 1 ? [] : [ok('workers', `${workers}, on ${cores} cores`)]
  return [
    warn('workers', `${workers} on ${cores} cores: each costs memory, and more than one to a core serve no faster`),
  ]
}

function checkIssuer({ issuer, listen }: Config): readonly Check[] {
  if (issuer.startsWith('https:')) return [ok('issuer', issuer)]
  if (isLoopbackHost(listen.host)) return [ok('issuer', `${issuer}, for this machine alone`)]
  return [
    warn(
      'issuer',
      `${issuer} is plain http, but the server listens on ${listen.host}: passwords would cross the network; listen on 127.0.0.1 or use https`,
    ),
  ]
}

function checkProxies({ issuer, listen, trustedProxies }: Config): readonly Check[] {
  if (trustedProxies.length > 0) return [ok('proxies', `trusted: ${trustedProxies.join(', ')}`)]
  // Nobody speaks TLS here: whoever does stands in front.
  if (issuer.startsWith('https:')) {
    const detail = isLoopbackHost(listen.host) ? 'on this machine' : 'in front'
    return [
      warn(
        'proxies',
        `the proxy ${detail} that speaks https is not in trusted_proxies: limits and audit see its address, not the client's`,
      ),
    ]
  }
  return [ok('proxies', 'none trusted')]
}

/** Only what stands in the file: `provider check` asks the provider itself. */
function checkProviders({ providers }: Config): readonly Check[] {
  return providers.map((provider) =>
    provider.allowInsecure
      ? warn('providers', `${provider.name} may be reached over http and at private addresses (allow_insecure)`)
      : ok('providers', `${provider.name}; look closer with: gatehouse provider check ${provider.name}`),
  )
}

/** Asks it as a server does before it issues anything. */
async function checkSink({ audit }: Config): Promise<readonly Check[]> {
  if (audit === undefined) return []
  const sink = sinkOf(audit)
  try {
    await within(sinkMillis, sink.probe())
    return [ok('audit', `the sink (${audit.to}) takes events`)]
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    return [fail('audit', `the sink (${audit.to}) takes no events: ${why}; until it does nothing is issued or changed`)]
  } finally {
    await within(sinkMillis, sink.close()).catch(() => undefined)
  }
}

async function checkStore({ admin }: Local): Promise<readonly Check[]> {
  const findings = await admin.verify()
  return findings.length === 0
    ? [ok('store', 'sound')]
    : findings.map((finding) => fail('store', `${finding}; restore a backup`))
}

async function checkClock(local: Local): Promise<readonly Check[]> {
  const instance = await readAlive(local.store, ref('instance', 'self'), local.clock.seconds())
  if (instance === undefined) return [warn('clock', 'this store was never served')]
  const behind = await clockBehind(local)
  if (behind > clockTolerance)
    return [
      fail('clock', `stands ${behind} seconds before what this store has seen; set it right, sweeping has paused`),
    ]
  return [ok('clock', 'not before what this store has seen')]
}

function checkKeyFile(local: Local): readonly Check[] {
  if (local.config.keySecret !== undefined) return [ok('key file', 'none needed: GATEHOUSE_SECRET seals the keys')]
  const path = keyFileOf(local)
  if (!existsSync(path))
    return [fail('key file', `${path} is missing: no key of this store opens without it; bring it back from a backup`)]
  const mode = statSync(path).mode & 0o777
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    return [fail('key file', `${path} has mode ${mode.toString(8).padStart(4, '0')}; run chmod 600 ${path}`)]
  return [ok('key file', `${path}, for its owner alone; keep a copy away from the store's`)]
}

async function checkKeys(local: Local): Promise<readonly Check[]> {
  // Without its file nothing would be learned but that again, and a new one would be made.
  if (local.config.keySecret === undefined && !existsSync(keyFileOf(local))) return []
  const keys = await openRings(local).catch((error: unknown) => error)
  if (keys instanceof Error) return [fail('keys', keys.message)]
  const now = local.clock.seconds()
  const late: Check[] = []
  for (const ring of rings) {
    const active = (keys as Awaited<ReturnType<typeof openRings>>)
      .list()
      .find((key) => key.ring === ring && key.state === 'active')
    if (active === undefined) late.push(fail('keys', `the ring ${ring} has no active key; start the server`))
    else if (now - active.activeFrom > keyLifetimes.rotateAfter + lateSeconds)
      late.push(warn('keys', `the ring ${ring} is overdue for rotation; a running server does it by itself`))
  }
  return late.length === 0 ? [ok('keys', `${rings.length} rings, each with an active key`)] : late
}

async function checkClients(local: Local): Promise<readonly Check[]> {
  const checks: Check[] = []
  const loopbackIssuer = isLoopbackHost(new URL(local.config.issuer).hostname)
  const ofFile: Client[] = []
  let loopback = false
  for await (const client of allClients(local)) {
    if (client.managedBy === 'file' && !client.disabled) ofFile.push(client)
    if (client.clientId === loopbackClientId) loopback = true
    else if (!client.disabled)
      for (const one of client.legacy)
        checks.push(warn('legacy', `client ${client.clientId} has the legacy switch ${one}`))
  }
  if (checks.length === 0) checks.push(ok('legacy', 'no client has a legacy switch'))
  if (loopback && !loopbackIssuer)
    checks.push(
      warn(
        'loopback',
        `the client ${loopbackClientId} never works with this issuer; delete it: gatehouse client delete ${loopbackClientId}`,
      ),
    )
  else checks.push(ok('loopback', loopback ? 'takes passwords on this machine alone' : 'the client is deleted'))
  return [...checks, ...(await checkFileClients(local, ofFile))]
}

async function checkPeople(local: Local): Promise<readonly Check[]> {
  const given = new Set<string>()
  const idle = new Set<string>()
  let administered = false
  for await (const user of allUsers(local)) {
    for (const scope of user.scopes) {
      given.add(scope)
      if (!countsForAccounts(scope)) idle.add(user.username)
    }
    administered ||= user.role === 'superuser' && (await canSignIn(local, user))
  }
  const people = administered
    ? ok('people', 'somebody may administer everything')
    : warn('people', 'nobody can sign in as superuser; make one: gatehouse user create NAME --role superuser')
  return [people, ...(await checkResources(local, given)), ...checkIdleScopes([...idle])]
}

/** Whether there is any way in for this account's person; a provider that the file names no more isn't asked after. */
async function canSignIn(local: Local, user: User): Promise<boolean> {
  if (signInBar(user) !== undefined) return false
  if (user.passwordHash !== undefined) return true
  if (passkeysOf(await findFactors(local, user.userId)).length > 0) return true
  return (await identitiesOf(local, user.userId)).length > 0
}

/** Scopes that mean nothing: refused since, but given by older versions. `names`: of the accounts that have some. */
function checkIdleScopes(names: readonly string[]): readonly Check[] {
  const [first, ...others] = names
  if (first === undefined) return []
  const who = others.length === 0 ? `${first} has` : `${first} and ${others.length} more have`
  const mend = `gatehouse user set-scopes ${first} SCOPES`
  return [
    warn('scopes', `${who} scopes of administration or the vault, which mean nothing there; without them: ${mend}`),
  ]
}
