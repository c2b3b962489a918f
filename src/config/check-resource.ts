import { parseResource } from '../protocol/resource.ts'
import { isScopeOfApis } from '../protocol/scope.ts'
import type { ConfiguredResource } from './config.ts'
import { explain, keyName } from './explain.ts'
import type { Explained } from './explain.ts'
import { resourceEntry } from './schema.ts'
import type { ResourceEntry } from './schema.ts'

/** Scopes that mean the same everywhere, so no API may give them a meaning of its own. */
const ownScopes: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'roles', 'offline_access', 'me'])

/** What an API of the file must be by itself. Paths begin at the entry. */
export function checkResource(entry: ResourceEntry, issuer: string | undefined): readonly Explained[] {
  const problems: Explained[] = []
  const identifier = parseResource(entry.resource)
  if (typeof identifier !== 'string') {
    problems.push({ path: ['resource'], problem: 'must be an absolute URI without fragment, its scheme in lower case' })
  } else if (identifier === issuer) {
    problems.push({
      path: ['resource'],
      problem: 'is the issuer, which has tokens of its own; name the API by its own address',
    })
  }
  for (const scope of scopesOf(entry)) {
    if (ownScopes.has(scope) || !isScopeOfApis(scope)) {
      problems.push({ path: ['scope'], problem: `names ${scope}, which belongs to Gatehouse; choose another name` })
    }
  }
  for (const scope of entry.held_scopes ?? []) {
    if (!scopesOf(entry).includes(scope))
      problems.push({ path: ['held_scopes'], problem: 'names a scope that the API does not have' })
  }
  for (const scope of Object.keys(entry.scope_descriptions ?? {})) {
    if (!scopesOf(entry).includes(scope))
      problems.push({ path: ['scope_descriptions'], problem: 'describes a scope that the API does not have' })
  }
  return problems
}

export function asConfiguredResource(entry: ResourceEntry): ConfiguredResource {
  return {
    resource: entry.resource,
    ...(entry.resource_name !== undefined && { name: entry.resource_name }),
    scope: scopesOf(entry),
    ...(entry.held_scopes !== undefined && { heldScopes: entry.held_scopes }),
    ...(entry.scope_descriptions !== undefined && { scopeDescriptions: entry.scope_descriptions }),
    accessToken: {
      format: entry.access_token.format,
      ttl: entry.access_token.ttl,
      claims: entry.access_token.claims,
    },
    introspectionClients: entry.introspection_clients,
  }
}

function scopesOf(entry: ResourceEntry): readonly string[] {
  return entry.scope === '' ? [] : [...new Set(entry.scope.split(' '))]
}

/** The same API from a JSON document, as the REST API and the command line send it; null counts as absent. */
export function parseResourceDocument(
  document: unknown,
  issuer: string,
): { readonly resource: ConfiguredResource } | { readonly field: string; readonly problem: string } {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return { field: 'resource', problem: 'the resource must be an object' }
  }
  const present = Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null))
  const parsed = resourceEntry.safeParse(present, { reportInput: true })
  if (!parsed.success) {
    const [first] = explain(resourceEntry, parsed.error.issues)
    return { field: keyName(first?.path ?? []), problem: first?.problem ?? 'the resource is not acceptable' }
  }
  const [first] = checkResource(parsed.data, issuer)
  if (first !== undefined) return { field: keyName(first.path), problem: `${keyName(first.path)} ${first.problem}` }
  return { resource: asConfiguredResource(parsed.data) }
}
