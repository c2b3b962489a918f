import { setTimeout as pause } from 'node:timers/promises'
import type { Wire } from './wire.ts'
import { acting } from './world.ts'

/** Several nodes behind one wire, as behind a balancer that keeps each person with one node for as long as that takes requests. */
export type Spread = Wire & {
  /** Nobody is sent there from now on. */
  readonly leave: (place: number) => void
  /** A node that takes requests, in this place from now on. */
  readonly take: (place: number, wire: Wire) => void
  /** Everybody goes to another node than before, if there is one. */
  readonly turn: () => void
}

/** What one node did counts on another after no longer than its lease (DESIGN §6.17); whoever changes nodes waits for that. */
const leaseMillis = 5_200

export function spread(wires: readonly Wire[]): Spread {
  const places = new Map(wires.entries())
  const seen = new Map<number, { wire: Wire; at: number }>()
  let turned = 0

  function wireFor(person: number): Wire {
    const open = [...places].toSorted(([a], [b]) => a - b)
    const [, wire] = open[(person + turned) % open.length] ?? []
    if (wire === undefined) throw new Error('no node takes requests')
    return wire
  }

  async function ask(path: string, options: Parameters<Wire['ask']>[1]): ReturnType<Wire['ask']> {
    const person = acting.getStore()?.index ?? 0
    for (;;) {
      const last = seen.get(person)
      const wire = wireFor(person)
      const wait = last === undefined || last.wire === wire ? 0 : last.at + leaseMillis - performance.now()
      if (wait > 0) await pause(wait)
      else {
        const reply = await wire.ask(path, options)
        seen.set(person, { wire, at: performance.now() })
        return reply
      }
    }
  }

  return {
    ask,
    leave: (place) => void places.delete(place),
    take: (place, wire) => void places.set(place, wire),
    turn: () => void (turned += 1),
    keepToConnections: () => {
      for (const wire of places.values()) wire.keepToConnections()
    },
    close: () => {
      for (const wire of places.values()) wire.close()
    },
  }
}
