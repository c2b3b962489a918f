import { createDice } from './dice.ts'
import { nextStep } from './operations.ts'
import type { Template } from './prepare.ts'
import { serve, type ServerProcess } from './server-process.ts'
import { openWire } from './wire.ts'
import { acting, refreshAdminToken, type World } from './world.ts'

/** A new life of the server, and a world that knows it and may administer. */
export async function begin(world: World, place: Template): Promise<ServerProcess> {
  const server = await enliven(world, place)
  await refreshAdminToken(world)
  return server
}

/** A new life of the server that hasn't been asked for anything yet. */
export async function enliven(world: World, place: Template): Promise<ServerProcess> {
  const server = await serve(place)
  world.wire.close()
  world.wire = openWire(place.port)
  world.spawnedAt = server.spawnedAt
  world.faulted = false
  world.ended = false
  return server
}

/** Everybody does one thing after the other, until the world is ended. */
export async function load(world: World, seed: number, round: number): Promise<void> {
  await Promise.all(
    world.books.persons.map(async (person) => {
      const dice = createDice(seed, round, person.index)
      await acting.run(person, async () => {
        while (!world.ended) await nextStep(person, dice)(world, person, dice)
      })
    }),
  )
}
