import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { claimsOf } from './ledger/books.ts'
import { createDice } from './ledger/dice.ts'
import { load } from './ledger/life.ts'
import { onStage } from './ledger/stage.ts'
import { script } from './script.ts'
import { trace, type Call } from './trace.ts'

const leastAnswers = 300

describe('FLT-02: an fsync of the log, begun after the write and ended before the answer, for every 2xx that changes something', () => {
  test('under load, where many share one', { timeout: 300_000 }, async () => {
    let calls: readonly Call[] = []
    const violations = await onStage({}, async ({ start, world, folder }) => {
      const server = await start()
      const watch = await trace(server.pid, join(folder, 'trace'))
      const issuedBefore = world.books.issued.size
      const loading = load(world, 2, 0)
      const deadline = performance.now() + 120_000
      while (world.books.issued.size < issuedBefore + 2 * leastAnswers && performance.now() < deadline) await pause(100)
      world.ended = true
      await loading
      calls = await watch.stop()
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    })
    expect(violations).toEqual([])
    const proofs = calls.flatMap((call, at) => markersIn(call).map((marker) => proofOf(calls, at, marker)))
    const syncs = calls.filter(({ is }) => is === 'sync done').length
    console.log(
      `FLT-02: ${proofs.length} answers under load, ${syncs} syncs, ${proofs.filter((proof) => proof !== 'durable').length} unproved`,
    )
    expect(proofs.filter((proof) => proof !== 'durable')).toEqual([])
    expect(proofs.length).toBeGreaterThanOrEqual(leastAnswers)
  })

  test('of every operation, one at a time', { timeout: 300_000 }, async () => {
    let answered = 0
    const unproved: string[] = []
    const violations = await onStage({ persons: 1 }, async ({ start, world, folder }) => {
      const server = await start()
      for (const act of script) {
        for (const person of world.books.persons) {
          await act.before?.(world, person, createDice(act.name))
          const watch = await trace(server.pid, join(folder, 'trace'))
          await act.act(world, person, createDice(act.name))
          const calls = await watch.stop()
          for (const [at, call] of calls.entries()) {
            if (!isYes(call)) continue
            answered += 1
            if (!isDurable(sinceRequest(calls, at))) unproved.push(`${act.name}: ${call.text.slice(0, 200)}`)
          }
        }
      }
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    })
    expect(violations).toEqual([])
    console.log(`FLT-02: ${answered} answers one at a time, ${unproved.length} unproved`)
    expect(unproved).toEqual([])
    // A replay is answered with a no.
    expect(answered).toBeGreaterThanOrEqual(script.filter(({ name }) => !name.startsWith('replay')).length)
  })
})

/** What in an answer also stands in the log: the `jti` of a token, the name of somebody new. */
function markersIn(call: Call): readonly string[] {
  if (call.is !== 'answer') return []
  const token = /\\"access_token\\":\\"([\w.-]+)\\"/.exec(call.text)?.[1]
  const name = /HTTP\/1\.1 201.*\\"username\\":\\"(m\d+-\d+)\\"/.exec(call.text)?.[1]
  return [...(token === undefined ? [] : [claimsOf(token).jti]), ...(name === undefined ? [] : [name])]
}

function proofOf(calls: readonly Call[], answer: number, marker: string): string {
  const written = calls.findIndex((call) => call.is === 'write' && call.text.includes(marker))
  if (written === -1) return `${marker} was never written`
  const begun = calls.findIndex((call, at) => at > written && call.is === 'sync begun')
  const done = calls.findIndex((call, at) => at > begun && call.is === 'sync done')
  return begun !== -1 && done !== -1 && done < answer ? 'durable' : `${marker} was answered before it was durable`
}

/** Answers that say yes to a change; reading and showing pages change nothing. */
function isYes(call: Call): call is Extract<Call, { readonly is: 'answer' }> {
  return (
    call.is === 'answer' &&
    /"HTTP\/1\.1 (?:20[014]|303) /.test(call.text) &&
    !/text\/html|Location: \/(?:signin|consent)/i.test(call.text)
  )
}

function sinceRequest(calls: readonly Call[], answer: number): readonly Call[] {
  const request = calls.findLastIndex((call, at) => at < answer && call.is === 'request')
  return calls.slice(request + 1, answer)
}

function isDurable(calls: readonly Call[]): boolean {
  const written = calls.findLastIndex(({ is }) => is === 'write')
  const begun = calls.findIndex(({ is }, at) => at > written && is === 'sync begun')
  return written !== -1 && begun !== -1 && calls.some(({ is }, at) => at > begun && is === 'sync done')
}
