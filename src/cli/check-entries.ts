import { reconcileClient, reconcileResource } from '../accounts/file-entries.ts'
import type { Config } from '../config/config.ts'
import type { Client } from '../domain/client.ts'
import { everybodysScopes } from '../domain/everybodys-scopes.ts'
import { ref } from '../domain/record.ts'
import type { Resource } from '../domain/resource.ts'
import { listAll } from '../store/list-all.ts'
import { readAlive } from '../store/read-alive.ts'
import { fail, warn, type Check } from './check.ts'
import type { Local } from './local.ts'

/** What a first start, which finds nothing stored, would refuse, and which of its APIs mislead. */
export function checkNewEntries({ clients, resources }: Config): readonly Check[] {
  const refused = clients.flatMap((wanted) => {
    const nothing = { ...ref('client', wanted.metadata.clientId), version: null, value: undefined }
    const change = reconcileClient(nothing, wanted, { now: 0, nowMillis: 0 })
    return 'problem' in change ? [fail('clients', change.problem)] : []
  })
  const served = resources.map((one) => ({ ...one, disabled: false }))
  return [...refused, ...checkScopes(served, new Set())]
}

/** `ofFile`: those in the store that came of a file and are switched on. */
export async function checkFileClients(
  { config, store, clock }: Local,
  ofFile: readonly Client[],
): Promise<readonly Check[]> {
  const checks: Check[] = []
  const named = new Set(config.clients.map(({ metadata }) => metadata.clientId))
  for (const { clientId } of ofFile.filter((client) => !named.has(client.clientId)))
    checks.push(left('clients', `client ${clientId}`))
  for (const wanted of config.clients) {
    const target = ref('client', wanted.metadata.clientId)
    const value = await readAlive(store, target, clock.seconds())
    const change = reconcileClient({ ...target, version: null, value }, wanted, {
      now: clock.seconds(),
      nowMillis: clock.millis(),
    })
    if ('problem' in change) checks.push(fail('clients', change.problem))
    else if (change.is !== 'unchanged') checks.push(waiting('clients', `client ${wanted.metadata.clientId}`))
  }
  return checks
}

/** The APIs of store and file, as the next start will have them. `given`: scopes that some account was given. */
export async function checkResources(
  { config, store, clock }: Local,
  given: ReadonlySet<string>,
): Promise<readonly Check[]> {
  const wanted = new Map(config.resources.map((one) => [one.resource, one]))
  const stored = new Map<string, Resource>()
  for await (const { value } of listAll(store, 'resource', '*')) stored.set(value.resource, value)
  const checks: Check[] = []
  const after: (Resource | undefined)[] = []
  for (const id of new Set([...stored.keys(), ...wanted.keys()])) {
    const value = stored.get(id)
    const slot = { ...ref('resource', id), version: null, value }
    const change = reconcileResource(slot, wanted.get(id), clock.seconds())
    after.push('resource' in change ? change.resource : value)
    if ('problem' in change) checks.push(fail('resources', change.problem))
    else if (change.is !== 'unchanged')
      checks.push((change.is === 'disabled' ? left : waiting)('resources', `API ${id}`))
  }
  const served = after.filter((one) => one !== undefined)
  return [...checks, ...checkScopes(served, given)]
}

function checkScopes(...judged: Parameters<typeof everybodysScopes>): readonly Check[] {
  return everybodysScopes(...judged).map(({ resource, scope }) =>
    warn(
      'scopes',
      `${resource} gives ${scope} to everybody, though accounts are given it one by one: name it in held_scopes of this API`,
    ),
  )
}

const left = (check: string, entry: string): Check =>
  warn(check, `${entry} came of a configuration file and is not in this one; the next start switches it off`)
const waiting = (check: string, entry: string): Check =>
  warn(check, `${entry} is not yet as the file says; start the server or send SIGHUP`)
