import type { Fixture } from '../fixture.ts'

/** A server that can be put under load. */
export type Side = {
  readonly name: string
  /** What it is, for the table's legend. */
  readonly title: string
  /** Answers 200 when the server is ready. */
  readonly readyPath: string
  /** Writes what the server needs below `directory` (kept between starts of one round) and says how to start it. */
  /** Where it runs; default: on the server's core. */
  readonly core?: 'any'
  readonly prepare: (place: Place) => Launch
}

export type Place = { readonly directory: string; readonly port: number; readonly fixture: Fixture }

/** Arguments of `node`, and what to add to the environment. */
export type Launch = { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }
