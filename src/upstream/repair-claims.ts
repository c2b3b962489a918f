import type { ClaimRepair } from '../config/provider.ts'
import { pointTo } from '../protocol/json-pointer.ts'

type Claims = Readonly<Record<string, unknown>>

/**
 * What a provider says of somebody, as its entry straightens it. Every repair reads what the provider said and never what another one
 * made, so their order means nothing; a claim that is to come from elsewhere and isn't there is no claim.
 */
export function repairClaims(claims: Claims, repairs: Readonly<Record<string, ClaimRepair>>): Claims {
  const repaired = Object.entries(repairs).map(([name, repair]) => [name, repairOf(claims, name, repair)] as const)
  return { ...claims, ...Object.fromEntries(repaired) }
}

function repairOf(claims: Claims, name: string, { at, find, as }: ClaimRepair): unknown {
  if (at !== undefined && at.length > 1) {
    const parts = at.flatMap((pointer) => asText(pointTo(claims, pointer)) ?? [])
    return parts.length === 0 ? undefined : parts.join(' ')
  }
  const there = at?.[0] === undefined ? claims[name] : pointTo(claims, at[0])
  const value = find === undefined ? there : findIn(there, find)
  return as === undefined ? value : written[as](value)
}

/** Of the first entry of a list that is as `where` says. */
function findIn(list: unknown, { where, take }: NonNullable<ClaimRepair['find']>): unknown {
  if (!Array.isArray(list)) return undefined
  const fits = (entry: unknown): boolean =>
    Object.entries(where).every(([member, wanted]) => pointTo(entry, `/${member}`) === wanted)
  return pointTo((list as readonly unknown[]).find(fits), take)
}

/** What can't be written so is nothing: a guess would be somebody else's. */
const written: Readonly<Record<NonNullable<ClaimRepair['as']>, (value: unknown) => unknown>> = {
  text: asText,
  boolean: (value) =>
    value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
  list: (value) => (value === undefined || Array.isArray(value) ? value : [value]),
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  // Beyond that, two ids would be read as one.
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? String(value) : undefined
}
