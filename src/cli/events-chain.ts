import type { Command } from 'commander'
import { createReadStream, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { printItem, readItems } from '../audit/event-lines.ts'
import { verifyChain, type ChainReport } from '../audit/verify-chain.ts'
import { walkChain, type ChainHead, type ChainItem } from '../audit/walk-chain.ts'
import { ref } from '../domain/record.ts'
import { chainRef } from '../domain/seal.ts'
import { readAlive } from '../store/read-alive.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import { openLocal, type Local } from './local.ts'
import { flagOption, storeSettings, textOption, withSettings } from './options.ts'
import { card, type Answer } from './print.ts'
import { verb } from './verb.ts'
import { writeLines } from './write-lines.ts'

/** Adds `gatehouse events export` and `verify`. */
export function registerEventsChain(events: Command, io: Io): void {
  localVerb(
    events
      .command('export')
      .description('every event with what proves it, as JSON lines; to standard output without a file')
      .argument('[file]', 'a file that is not there yet'),
    { io },
    async (local, [name], options) => {
      const lines = linesOf(await itemsOf(local))
      if (name !== undefined) return exportTo(resolve(io.workingDirectory, name), lines)
      if (flagOption(options, 'json'))
        throw new CliFailure('--json needs a file, since what is exported are JSON lines themselves', { exitCode: 2 })
      for await (const line of lines) io.out(`${line}\n`)
      return { json: undefined, text: '' }
    },
  )

  verb(
    withSettings(
      events
        .command('verify')
        .description('prove offline that no event was removed, changed or put in, in the store or in an export')
        .argument('[file]', 'what events export wrote; without it, the store')
        .option('--head <number:hash>', 'an end of the chain that was noted earlier: it must still stand in it'),
      storeSettings,
    ),
    io,
    async ([name], options) => {
      const noted = notedHead(textOption(options, 'head'))
      const proof = { now: io.system.clock.seconds, ...(noted !== undefined && { noted }) }
      if (name !== undefined) {
        const file = resolve(io.workingDirectory, name)
        if (!existsSync(file)) throw new CliFailure(`there is no file ${file}`)
        const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
        return answerOf(await verifyChain(readItems(lines), proof))
      }
      const local = await openLocal(io, options)
      try {
        return answerOf(await verifyChain(await itemsOf(local), proof))
      } finally {
        await local.close()
      }
    },
  )
}

async function itemsOf({ admin, store, clock }: Local): Promise<AsyncIterable<ChainItem>> {
  const instance = await readAlive(store, ref('instance', 'self'), clock.seconds())
  if (instance === undefined) throw new CliFailure('this store was never served: it has no events')
  const chain = await readAlive(store, chainRef, clock.seconds())
  return walkChain(admin, {
    instanceId: instance.instanceId,
    at: clock.seconds(),
    ...(chain?.retention !== undefined && { retention: chain.retention }),
  })
}

async function* linesOf(items: AsyncIterable<ChainItem>): AsyncGenerator<string, number> {
  let count = 0
  for await (const item of items) {
    if (item.is === 'event') count += 1
    yield printItem(item)
  }
  return count
}

async function exportTo(file: string, lines: AsyncGenerator<string, number>): Promise<Answer> {
  if (existsSync(file)) throw new CliFailure(`${file} is there already; name another file`)
  const count = await writeLines(file, lines)
  return { json: { file, events: count }, text: `${count} events in ${file}\n` }
}

function notedHead(text: string | undefined): ChainHead | undefined {
  if (text === undefined) return undefined
  const [, number, hash] = /^([1-9]\d{0,14}):([\w-]{43})$/.exec(text) ?? []
  if (number === undefined || hash === undefined)
    throw new CliFailure('--head must be NUMBER:HASH, as events verify prints it', { exitCode: 2 })
  return { number: Number(number), hash }
}

function answerOf(report: ChainReport): Answer {
  const { findings, bad, events, seals, late, unsealed, head, beginsAt, keep } = report
  const printed = head === undefined ? undefined : `${head.number}:${head.hash}`
  const counts = { events, seals, late, unsealed, kept_days: keep / 86_400 }
  const json = { sound: bad === 0, bad, findings, ...counts, head: printed, begins_at: beginsAt }
  const [first] = findings
  return {
    json,
    text:
      card({ ...json, sound: bad === 0 ? 'yes' : 'no', findings: undefined }) +
      findings.map((one) => `${one}\n`).join(''),
    ...(first !== undefined && {
      failure: `the events don't prove themselves: ${first}; compare with an export or a backup from before`,
    }),
  }
}
