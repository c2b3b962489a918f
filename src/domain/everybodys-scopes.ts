import type { Resource } from './resource.ts'

/** A scope that one API gives to whoever asks, while accounts are given it to tell them apart. */
export type EverybodysScope = { readonly resource: string; readonly scope: string }

/**
 * Scopes that some account was given, or that another API has people hold, and that these APIs have without saying so: a token for
 * any person may carry them there (docs/decisions/0019).
 */
export function everybodysScopes(
  resources: readonly Pick<Resource, 'resource' | 'scope' | 'heldScopes' | 'disabled'>[],
  given: ReadonlySet<string>,
): readonly EverybodysScope[] {
  const served = resources.filter(({ disabled }) => !disabled)
  const meant = new Set([...given, ...served.flatMap(({ heldScopes = [] }) => heldScopes)])
  return served.flatMap(({ resource, scope, heldScopes = [] }) =>
    scope.filter((one) => meant.has(one) && !heldScopes.includes(one)).map((one) => ({ resource, scope: one })),
  )
}
