import { commits } from './commits.ts'
import { durability } from './durability.ts'
import { feeds, sharedFeeds } from './feeds.ts'
import { lists } from './lists.ts'
import { races } from './races.ts'
import { toCases, type StoreCase, type Subject } from './subject.ts'
import { transitions } from './transitions.ts'

/** Everything an adapter of the store must do, as named cases for whatever runs tests. */
export function storeCases(subject: Subject): readonly StoreCase[] {
  const everywhere = { ...commits, ...lists, ...feeds, ...transitions }
  return toCases(
    subject,
    subject.shared ? { ...everywhere, ...durability, ...sharedFeeds, ...races(subject) } : everywhere,
  )
}
