import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal, type Journal } from './books.ts'
import { begin, enliven } from './life.ts'
import { prepare, worldOf, type Template } from './prepare.ts'
import { endServers, type ServerProcess } from './server-process.ts'
import type { World } from './world.ts'

/** A server with everybody prepared, in a folder of its own, for a test that strikes it by itself. */
export type Stage = {
  readonly folder: string
  readonly world: World
  readonly journal: Journal
  readonly place: Template
  readonly start: () => Promise<ServerProcess>
  /** As `start`, but nothing is asked for yet, so that the first request is the test's own. */
  readonly serve: () => Promise<ServerProcess>
}

/** Set the stage, play, and return what was violated. Nothing stays behind, unless something was. */
export async function onStage(
  options: {
    readonly folder?: string
    readonly persons?: number
    readonly environment?: (folder: string) => Template['environment']
    /** Of the tree whose server makes the store. */
    readonly program?: string
    /** What a 503 says; see `World`. */
    readonly unavailable?: World['unavailable']
  },
  play: (stage: Stage) => Promise<void>,
): Promise<readonly string[]> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gatehouse-stage-'))
  const journal = openJournal(join(folder, 'journal.jsonl'))
  try {
    const place = await prepare(folder, journal, {
      environment: options.environment?.(folder) ?? {},
      ...(options.persons !== undefined && { persons: options.persons }),
      ...(options.program !== undefined && { program: options.program }),
    })
    const world = worldOf(place, journal, options.unavailable ?? 'nothing')
    await play({
      folder,
      world,
      journal,
      place,
      start: () => begin(world, place),
      serve: () => enliven(world, place),
    })
    world.wire.close()
  } finally {
    endServers()
    if (journal.violations.length > 0) journal.save()
    else if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
  return journal.violations.length === 0 ? [] : [...journal.violations, `journal and data: ${folder}`]
}
