import type { Interaction } from '../domain/interaction.ts'
import type { Write } from '../domain/record.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Browser } from '../signin/browser.ts'
import { openInteraction, sealInteraction } from '../tokens/carried-interaction.ts'
import type { Core } from './core.ts'
import { claim, createParked, endOf, stale, takeUp, waitingFor, type Parked, type Pending } from './interactions.ts'
import type { Progress } from './interactions.ts'

/** A request whose person hasn't signed in yet. Nothing of it is stored: its sign-in page carries it, sealed, for this one browser. */
export type Carried = Pending & { readonly carried: { readonly text: string; readonly interaction: Interaction } }

/** What a sign-in page may be for. */
export type Waiting = Parked | Carried

/** How pages and forms name it. */
export function nameOf(waiting: Waiting): string {
  return 'carried' in waiting ? waiting.carried.text : waiting.parked.id
}

/** Let the sign-in page carry a request. Nothing, if it is too long for that. */
export function carry(core: Core, pending: Pending, browser: Browser): Carried | undefined {
  const interaction = waitingFor(core, pending.request, browser)
  const text = sealInteraction(core.keys, interaction, core.random)
  return text === undefined ? undefined : { ...pending, carried: { text, interaction } }
}

/** Take up what a sign-in page is for: in its own browser, for as long as requests wait (B28). */
export async function takeUpToSignIn(core: Core, http: HttpRequest, name: string): Promise<Waiting | HttpResponse> {
  const { keys } = core
  // No id of a record holds a dot.
  if (!name.includes('.')) return takeUp(core, http, name)
  const interaction = await readWithNewest(keys, () => openInteraction(keys, name))
  if (interaction === undefined || core.clock.seconds() >= endOf(interaction)) return stale(core, http, 400)
  const claimed = await claim(core, http, interaction)
  return 'status' in claimed ? claimed : { ...claimed, carried: { text: name, interaction } }
}

/**
 * Its person has shown something: from now on it waits in the store, where it can be used up once. The record is for the commit of
 * what he has shown. Of the budget for parking it takes without asking, since who knows a password isn't turned away; its answer gives that back.
 */
export function settle(
  core: Core,
  http: HttpRequest,
  { waiting, progress }: { readonly waiting: Carried; readonly progress: Progress },
): { readonly parked: Parked; readonly write: Write } {
  core.limits.count('park', [http.peer.address])
  const { request, to, carried } = waiting
  const id = core.random.id(core.clock.millis())
  const interaction = { ...carried.interaction, ...progress }
  return { parked: { request, to, parked: { id, interaction } }, write: createParked(id, interaction) }
}
