import type { Kind, Ref, Version } from '../../domain/record.ts'
import type { Operation, Unit } from './unit.ts'

/** A record's row as it was found and locked. */
export type LockedRow = {
  readonly version: Version
  readonly sweepAt: number | null
  readonly owners: readonly string[]
}

export type Outcome = 'committed' | 'conflict'

type Place = { readonly kind: Kind; readonly id: string }
export type NewRow = Place & {
  readonly version: Version
  readonly json: string
  readonly expiresAt: number | null
  readonly sweepAt: number | null
  readonly owners: readonly string[]
}
export type Link = Place & { readonly owner: string }
export type NewEvent = Extract<Operation, { op: 'append' }>
export type Announced = { readonly forget: Ref; readonly expiresAt: number }

/** What a batch does to the tables, once it is known which of its units hold. Every record stands in at most one of the first four. */
export type Effects = {
  readonly insert: readonly NewRow[]
  readonly update: readonly (NewRow & { readonly expect: Version })[]
  readonly remove: readonly (Place & { readonly expect: Version })[]
  /** Was absent, stays absent, and somebody relied on it: nobody else may create it before this batch is over. */
  readonly claim: readonly Place[]
  readonly link: readonly Link[]
  readonly unlink: readonly Link[]
  readonly events: readonly NewEvent[]
  readonly announced: readonly Announced[]
}

export type Judgement = { readonly outcomes: readonly Outcome[]; readonly effects: Effects }

/** `sweep_at` may run this far behind `expires_at` before the index is worth an update. */
const lagSeconds = 86_400
type State = Place & {
  readonly before: LockedRow | undefined
  now: NewRow | LockedRow | undefined
  /** A unit that holds relied on what was found. */
  relied: boolean
}

/**
 * Which units of a batch hold, each judged by itself on what the ones before it left, and what the tables must become.
 * `found`: every record that the batch names and that exists. `events`: those of its events that exist already.
 */
export function judge(
  units: readonly Unit[],
  found: ReadonlyMap<string, LockedRow>,
  events: ReadonlySet<string>,
): Judgement {
  const states = new Map<string, State>()
  const appended = new Map<string, NewEvent>()
  const announced: Announced[] = []

  function stateOf({ key, kind, id }: Operation): State {
    const known = states.get(key)
    if (known !== undefined) return known
    const before = found.get(key)
    const state: State = { kind, id, before, now: before, relied: false }
    states.set(key, state)
    return state
  }

  function holds(operation: Operation): boolean {
    if (operation.op === 'append') return !events.has(operation.id) && !appended.has(operation.id)
    return (stateOf(operation).now?.version ?? null) === operation.expect
  }

  function apply(operation: Operation): void {
    if (operation.op === 'append') {
      appended.set(operation.id, operation)
      return
    }
    const state = stateOf(operation)
    state.relied = true
    if (operation.op === 'delete') state.now = undefined
    if (operation.op !== 'put') return
    const { kind, id, version, json, expiresAt, forget } = operation
    const sweepAt = sweepLater(state.before?.sweepAt ?? null, expiresAt)
    state.now = { kind, id, version, json, expiresAt, sweepAt, owners: operation.owners ?? state.now?.owners ?? [] }
    // One without an end would keep the feed from ever being swept: it goes at the next sweep, and whoever missed it forgets everything.
    if (forget !== undefined) announced.push({ forget, expiresAt: expiresAt ?? 0 })
  }

  const outcomes = units.map((unit): Outcome => {
    if (!unit.every(holds)) return 'conflict'
    for (const operation of unit) apply(operation)
    return 'committed'
  })
  return { outcomes, effects: effectsOf([...states.values()], [...appended.values()], announced) }
}

function effectsOf(states: readonly State[], events: readonly NewEvent[], announced: readonly Announced[]): Effects {
  const insert: NewRow[] = []
  const update: (NewRow & { expect: Version })[] = []
  const remove: (Place & { expect: Version })[] = []
  const claim: Place[] = []
  const link: Link[] = []
  const unlink: Link[] = []
  for (const state of states) {
    const { kind, id, before, now, relied } = state
    if (!relied) continue
    if (now === undefined) {
      if (before === undefined) claim.push({ kind, id })
      else remove.push({ kind, id, expect: before.version })
    } else if ('json' in now) {
      if (before === undefined) insert.push(now)
      else update.push({ ...now, expect: before.version })
    }
    const was = before?.owners ?? []
    const is = now?.owners ?? []
    for (const owner of is) if (!was.includes(owner)) link.push({ kind, owner, id })
    for (const owner of was) if (!is.includes(owner)) unlink.push({ kind, owner, id })
  }
  return { insert, update, remove, claim, link, unlink, events, announced }
}

/** When a sweep has to look at the record: early enough, and moved only when that saves a look. */
export function sweepLater(sweepAt: number | null, expiresAt: number | null): number | null {
  if (expiresAt === null || sweepAt === null) return expiresAt
  return expiresAt < sweepAt || expiresAt - sweepAt > lagSeconds ? expiresAt : sweepAt
}
