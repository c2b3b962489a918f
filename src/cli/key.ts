import type { Command } from 'commander'
import { rings } from '../domain/key-lifecycle.ts'
import type { KeySummary } from '../keys/keys.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import { openRings } from './open-rings.ts'
import { instant, table } from './print.ts'

const columns = ['ring', 'key_id', 'state', 'created', 'active_from', 'remove_at']

/** Adds `gatehouse key`. */
export function registerKey(program: Command, io: Io): void {
  const key = program.command('key').description('keys and their rotation; nothing secret is shown')

  localVerb(key.command('list').description('every key of every ring'), io, async (local) => {
    const keys = (await openRings(local)).list().map(shown)
    return { json: { items: keys }, text: table(keys.map(readable), columns) }
  })

  localVerb(
    key
      .command('rotate [ring]')
      .description(
        'announce the next key of a ring, or of all; a running server lets it take over when every cache has seen it',
      ),
    io,
    async (local, [name]) => {
      const chosen = name === undefined ? rings : rings.filter((ring) => ring === name)
      if (chosen.length === 0)
        throw new CliFailure(`there is no such ring; known are ${rings.join(', ')}`, { exitCode: 2 })
      const keys = await openRings(local)
      const announced = []
      for (const ring of chosen) announced.push(shown(await keys.rotate(ring, 'cli')))
      return { json: { items: announced }, text: table(announced.map(readable), columns) }
    },
    { changes: true },
  )
}

type Shown = ReturnType<typeof shown>

const shown = (key: KeySummary) => ({
  ring: key.ring,
  key_id: key.keyId,
  state: key.state,
  created_at: key.createdAt,
  active_from: key.activeFrom,
  retired_at: key.retiredAt ?? null,
  remove_at: key.removeAt ?? null,
})

const readable = (key: Shown) => ({
  ...key,
  created: instant(key.created_at),
  active_from: instant(key.active_from),
  remove_at: instant(key.remove_at),
})
