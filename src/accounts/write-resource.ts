import type { ConfiguredResource } from '../config/config.ts'
import { parseResourceDocument } from '../config/check-resource.ts'
import type { Actor } from '../domain/authority.ts'
import { put, ref, remove, type Decision } from '../domain/record.ts'
import type { Resource } from '../domain/resource.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'
import { printResource } from './find-resource.ts'

export const noSuchResource: Problem = problem('not_found', { detail: 'there is no such resource' })
const ofTheFile: Problem = problem('managed_by_file', {
  detail: 'the resource stands in the configuration file; change it there and send SIGHUP',
})

type Place = { readonly actor: Actor; readonly issuer: string }

/** Make an API known, in the names of the configuration file. */
export async function createResource(
  context: AccountsContext,
  { actor, issuer }: Place,
  document: unknown,
): Promise<Outcome<Resource>> {
  const parsed = readResource(document, issuer)
  if ('refused' in parsed) return parsed
  const refused = permit(actor, { do: 'write-resource', freed: [] })
  if (refused !== undefined) return { refused }
  const wanted = parsed.done
  const target = ref('resource', wanted.resource)
  const trail = changeWrites(context, { type: 'resource.created', target: wanted.resource, actor: actorName(actor) }, [
    target,
  ])
  return transition(
    context.transition,
    { resource: target },
    ({ resource: slot }, now): Decision<Outcome<Resource>> => {
      if (slot.value !== undefined) {
        return {
          writes: [],
          result: {
            refused: problem('conflict', { field: 'resource', detail: 'resource is known already; change that one' }),
          },
        }
      }
      const made: Resource = {
        v: 1,
        ...wanted,
        managedBy: 'administrator',
        disabled: false,
        createdAt: now,
        updatedAt: now,
      }
      return { writes: [put(slot, made, { expiresAt: null, owners: ['*'] }), ...trail(now)], result: { done: made } }
    },
  )
}

/** Change single fields of an API; null takes a field away. */
export async function changeResource(
  context: AccountsContext,
  { actor, issuer }: Place,
  { resource, fields }: { readonly resource: string; readonly fields: Readonly<Record<string, unknown>> },
): Promise<Outcome<Resource>> {
  const target = ref('resource', resource)
  const trail = changeWrites(context, { type: 'resource.changed', target: resource, actor: actorName(actor) }, [target])
  return transition(
    context.transition,
    { resource: target },
    ({ resource: slot }, now): Decision<Outcome<Resource>> => {
      const before = slot.value
      if (before === undefined) return { writes: [], result: { refused: noSuchResource } }
      const { managed_by: _managed, disabled: _disabled, created_at: _created, ...current } = printResource(before)
      const parsed = readResource({ ...current, ...fields }, issuer)
      const kept = 'done' in parsed ? (parsed.done.heldScopes ?? []) : before.heldScopes
      const freed = before.heldScopes?.filter((scope) => kept?.includes(scope) !== true) ?? []
      const managed = before.managedBy === 'file' ? ofTheFile : undefined
      const refused = permit(actor, { do: 'write-resource', freed }) ?? managed
      if (refused !== undefined) return { writes: [], result: { refused } }
      if ('refused' in parsed) return { writes: [], result: parsed }
      if (parsed.done.resource !== resource) {
        return {
          writes: [],
          result: {
            refused: problem('invalid_field', {
              field: 'resource',
              detail: 'resource stays as it is; make another instead',
            }),
          },
        }
      }
      const { managedBy, disabled, createdAt } = before
      const after: Resource = { v: 1, ...parsed.done, managedBy, disabled, createdAt, updatedAt: now }
      return { writes: [put(slot, after, { expiresAt: null }), ...trail(now)], result: { done: after } }
    },
  )
}

/** Forget an API. Tokens for it introspect as inactive at once; offline they live until they expire. */
export async function deleteResource(
  context: AccountsContext,
  actor: Actor,
  resource: string,
): Promise<Outcome<{ readonly resource: string }>> {
  const target = ref('resource', resource)
  const trail = changeWrites(context, { type: 'resource.deleted', target: resource, actor: actorName(actor) }, [target])
  return transition(
    context.transition,
    { resource: target },
    ({ resource: slot }, now): Decision<Outcome<{ readonly resource: string }>> => {
      const before = slot.value
      if (before === undefined) return { writes: [], result: { refused: noSuchResource } }
      const managed = before.managedBy === 'file' && !before.disabled ? ofTheFile : undefined
      const refused = permit(actor, { do: 'write-resource', freed: before.heldScopes ?? [] }) ?? managed
      if (refused !== undefined) return { writes: [], result: { refused } }
      return { writes: [...remove(slot), ...trail(now)], result: { done: { resource } } }
    },
  )
}

function readResource(document: unknown, issuer: string): Outcome<ConfiguredResource> {
  const parsed = parseResourceDocument(document, issuer)
  if ('resource' in parsed) return { done: parsed.resource }
  return { refused: problem('invalid_field', { field: parsed.field, detail: parsed.problem }) }
}
