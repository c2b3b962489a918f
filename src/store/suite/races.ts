import assert from 'node:assert/strict'
import { commitInParts, holderOf, putLease } from './samples.ts'
import type { Proofs, Subject } from './subject.ts'

const racers = ['ada', 'bob', 'cyd', 'dot']
const usualTurns = 2_000

/** Several processes on one storage. */
export function races(subject: Subject): Proofs {
  const goal = subject.raceTurns ?? usualTurns
  const race = (address: string, game: string, count: number) =>
    Promise.all(
      racers.map(async (name) =>
        Number(await subject.runProcess(new URL('./racer.ts', import.meta.url), [address, name, game, String(count)])),
      ),
    )

  return {
    async 'four processes add up on one record, none lost, none twice'(open, { address }) {
      const { store } = await open()
      await store.commit([putLease('counter', '0', 'v0')])
      const added = await race(address, 'add', goal / racers.length)
      assert.deepEqual(
        added,
        racers.map(() => goal / racers.length),
      )
      assert.equal(await holderOf(store, 'counter'), String(goal))
    },

    async 'single uses, wanted by four processes, have one winner each'(open, { address }) {
      const { store, admin } = await open()
      const prizes = Array.from({ length: goal }, (_, index) => putLease(`prize-${index}`, '', `v${index}`))
      await commitInParts(store, prizes)
      const won = await race(address, 'win', goal)
      assert.equal(
        won.reduce((sum, one) => sum + one, 0),
        goal,
      )
      const held: Record<string, number> = {}
      for await (const { value } of admin.scan('lease')) {
        if ('holder' in value) held[value.holder] = (held[value.holder] ?? 0) + 1
      }
      for (const [index, name] of racers.entries()) assert.equal(held[name] ?? 0, won[index])
      assert.deepEqual(await admin.verify(), [])
    },
  }
}
