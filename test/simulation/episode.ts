import type { User } from '../../src/domain/user.ts'
import { ref } from '../../src/domain/record.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { core as real, type Core } from './core.ts'
import { rollDice } from './dice.ts'
import type { Weather } from './faulty-store.ts'
import { createModel, type Model, type Moment } from './model.ts'
import { startNode, type Node } from './node.ts'
import {
  accessTtl,
  bump,
  clientId,
  introspect,
  issueCode,
  redeem,
  revoke,
  rotate,
  useOnce,
  type Held,
  type Issued,
} from './operations.ts'
import { createScheduler } from './scheduler.ts'
import { createWork } from './work.ts'

export type Outcome = {
  readonly steps: number
  readonly violation?: string
  readonly counts: Readonly<Record<string, number>>
}

/** A person's program: it presents what it got, and asks again at once while it gets no answer. */
type Program = {
  code: Held
  token: Held | undefined
  /** Every token it ever had, for thieves. */
  readonly had: Held[]
  last: Issued | undefined
  busy: boolean
  /** When it first presented what it presents now. */
  askedAt: number | undefined
  over: boolean
}

const start = 1_700_000_000_000
const mostBusy = 12
const mostPrograms = 16
/** Shorter than the grace, by what the clocks of two nodes may differ and a look at the clock may be old. */
const patienceMillis = 4_000

/** One run, all of which follows from its seed. `mutant` is what the core does wrong, to see whether it is found. */
export async function runEpisode(
  seed: number,
  options: { readonly steps: number; readonly core?: Core; readonly forgetsLease?: boolean },
): Promise<Outcome> {
  const core = options.core ?? real
  const dice = rollDice(seed)
  const scheduler = createScheduler(dice, start)
  const network = { name: 'network' }
  let step = 0
  const clocksStep = dice.chance(0.2)
  const moment = (): Moment => ({ millis: scheduler.now(), order: step })
  const model: Model = createModel({ now: scheduler.now, order: () => step, clocksStep })
  const calm = dice.chance(0.2)
  const some = (most: number): number => (calm ? 0 : dice.below(1000) / 1000) * most
  const weather: Weather = {
    failing: some(0.05),
    lostAnswer: some(0.1),
    lateCommit: some(0.08),
    conflict: some(0.1),
    slow: some(0.6),
  }
  const opened = openMemoryStore({ eventTtl: 600 })
  const verdict: { violation?: string } = {}
  const failed = (error: unknown): void => {
    verdict.violation ??= error instanceof Error ? error.message : String(error)
  }
  const around = {
    opened,
    scheduler,
    dice,
    weather,
    network,
    onCommit: (writes: Parameters<typeof model.sawCommit>[0]) => {
      try {
        model.sawCommit(writes)
      } catch (error) {
        failed(error)
      }
    },
    forgetsLease: options.forgetsLease === true,
  }
  await populate(opened)
  const nodes: Node[] = []
  for (let index = 0; index < 3; index += 1)
    nodes.push(await startNode(`node${index}`, dice.below(2000) - 1000, around))
  let programs: Program[] = []
  let named = 0
  const counts: Record<string, number> = { crashes: 0, cuts: 0, refused: 0, unavailable: 0, alarms: 0 }
  const tally = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1)
  const work = createWork({ failed, unavailable: () => tally('unavailable') })

  async function crash(node: Node): Promise<void> {
    tally('crashes')
    scheduler.drop(node)
    work.crash(node)
    nodes[nodes.indexOf(node)] = await startNode(`${node.name}'`.slice(0, 40), dice.below(2000) - 1000, around)
  }

  function signIn(node: Node): void {
    work.begin(node, async () => {
      const code = await issueCode(node)
      programs.push({ code, token: undefined, had: [], last: undefined, busy: false, askedAt: undefined, over: false })
    })
  }

  /** The next step of an honest program; asked again with the same token until there is an answer. */
  function goOn(program: Program, node: Node): void {
    const from = moment()
    program.busy = true
    program.askedAt ??= from.millis
    if (from.millis - program.askedAt > patienceMillis) {
      program.over = true
      return
    }
    const { token } = program
    work.begin(
      node,
      async () => {
        const answer = token === undefined ? await redeem(core, node, program.code) : await rotate(core, node, token)
        program.busy = false
        program.askedAt = undefined
        if (answer === undefined || isRefusal(answer)) {
          program.over = true
          if (answer !== undefined) judgeRefusal(program, token, answer.reason)
          return
        }
        if (token === undefined) model.redeemed(answer.held, answer.eventId, from, node.name)
        else model.rotated(token, answer.held, { eventId: answer.eventId, from, node: node.name })
        program.token = answer.held
        program.last = answer
        program.had.push(answer.held)
      },
      () => {
        // A code has no grace: who doesn't know whether it was redeemed signs in anew.
        if (token === undefined) program.over = true
        program.busy = false
      },
    )
  }

  /** Its code was about to expire, and may be gone. */
  function isLate({ code, token }: Program): boolean {
    const expiresAt = model.family(code.grantId)?.stored.code?.expiresAt ?? 0
    return token === undefined && scheduler.now() / 1000 > expiresAt - 5
  }

  function judgeRefusal(program: Program, token: Held | undefined, reason: string): void {
    tally('refused')
    const family = model.family(program.code.grantId)
    model.must(reason !== 'store_rollback', `INV2: ${program.code.grantId} was told of a store that went back`)
    const knownEnd =
      family?.ended !== undefined ||
      ['epoch_changed', 'refresh_expired', 'code_expired'].includes(reason) ||
      isLate(program)
    model.must(
      knownEnd || clocksStep || family?.attacked === true,
      `INV2: an honest program was refused (${reason}) with ${token === undefined ? 'its code' : `generation ${token.generation}`} of ${program.code.grantId}`,
    )
    model.must(
      reason !== 'epoch_changed' || model.epochsMoved(),
      `an epoch changed that nobody had moved, said ${program.code.grantId}`,
    )
    if (reason === 'grant_revoked' || reason === 'refresh_reuse' || reason === 'code_replayed')
      model.ended(program.code.grantId)
  }

  /** Somebody who holds what isn't his, or presents what is spent. */
  function steal(program: Program, node: Node): void {
    const from = moment()
    const stolen = dice.pick(program.had)
    model.attacked(program.code.grantId)
    if (stolen === undefined || dice.chance(0.3)) {
      work.begin(node, async () => {
        const answer = await redeem(core, node, program.code)
        if (!isRefusal(answer)) model.redeemed(answer.held, answer.eventId, from, node.name)
        else if (answer.reason === 'code_replayed') model.ended(program.code.grantId)
      })
      return
    }
    work.begin(node, async () => {
      const newest = model.family(stolen.grantId)?.lineage.length ?? 0
      const answer = await rotate(core, node, stolen)
      if (answer === undefined) return
      if (isRefusal(answer)) {
        if (answer.reason !== 'refresh_reuse') return
        tally('alarms')
        model.ended(stolen.grantId)
        model.must(
          model.family(stolen.grantId)?.ended !== undefined,
          `INV3: reuse of ${stolen.grantId} was told and its family lives`,
        )
        return
      }
      // Older than the immediate predecessor before he even asked: nothing excuses that.
      model.must(
        stolen.generation + 2 >= newest,
        `INV2: generation ${stolen.generation} of ${stolen.grantId} counted though ${newest} had been made`,
      )
      model.rotated(stolen, answer.held, { eventId: answer.eventId, from, node: node.name })
    })
  }

  function verify(program: Program, node: Node): void {
    const from = moment()
    const { last } = program
    if (last === undefined) return
    work.begin(node, async () => {
      if (await introspect(node, program.code.grantId, last.epoch)) model.lives(program.code.grantId, from, node.name)
    })
  }

  function end(program: Program, node: Node): void {
    work.begin(node, async () => {
      const outcome = await revoke(core, node, program.code.grantId)
      if (outcome !== 'unknown') model.ended(program.code.grantId)
    })
  }

  function begin(node: Node): void {
    const program = dice.pick(programs)
    const kind = dice.below(100)
    if (program === undefined || (kind < 20 && programs.length < mostPrograms)) signIn(node)
    else if (kind < 62) {
      if (!program.busy && !program.over) goOn(program, node)
    } else if (kind < 70) {
      // Nobody steals what is asked for just now: whose fault an alarm is must be plain.
      steal(program, node)
    } else if (kind < 84) verify(program, node)
    else if (kind < 86) end(program, node)
    else if (kind < 88) {
      work.begin(node, async () => {
        const whose = dice.pick(['instance', 'user', 'client'] as const) ?? 'user'
        const epoch = await bump(core, node, whose)
        tally('bumps')
        model.bumped(node.name, whose, epoch)
        // Whoever was told asks there at once.
        for (const program of programs) if (dice.chance(0.5)) verify(program, node)
      })
    } else if (kind < 97) {
      const jti = dice.chance(0.5) ? `jti${named}` : `jti${(named += 1)}`
      work.begin(node, async () => {
        if (await useOnce(core, node, jti)) model.usedOnce(jti)
      })
    } else if (kind < 98)
      work.begin(node, async () => void (await node.context.store.sweep(node.seconds() - accessTtl, 200)))
    else programs = programs.filter((one) => one !== program || one.busy)
  }

  for (; step < options.steps && verdict.violation === undefined; step += 1) {
    const chance = dice.below(1000)
    const node = dice.pick(nodes)
    if (node === undefined) break
    if (chance < 2 && !calm) await crash(node)
    else if (chance < 4 && !calm) {
      tally('cuts')
      node.cut(true)
      scheduler.later(node, () => node.cut(false), dice.below(12_000))
    } else if (chance < 5 && clocksStep) node.step(dice.below(40_000) - 20_000)
    else if (chance < 250 && work.busy() < mostBusy) begin(node)
    else if (chance < 900 && scheduler.waiting() > 0) await scheduler.resume()
    else await scheduler.advance(dice.chance(0.02) ? dice.below(8_000) : dice.below(60))
    if (step % 500 === 0) programs = programs.filter((one) => !one.over || dice.chance(0.8))
  }
  for (const node of nodes) {
    scheduler.drop(node)
    node.directory.close()
  }
  return { steps: step, counts: { ...counts, ...model.counts }, ...verdict }
}

/** An instance, an account and an application. */
async function populate({ store }: ReturnType<typeof openMemoryStore>): Promise<void> {
  const put = (target: ReturnType<typeof ref>, value: object) =>
    store.commit([
      { op: 'put', ...target, expect: null, version: 'v', value: value as User, expiresAt: null, owners: [] },
    ])
  await put(ref('instance', 'self'), { v: 1, instanceId: 'i', generation: 1, epoch: 1, highWaterAt: 0, createdAt: 0 })
  await put(ref('user', 'usr_one'), { v: 1, userId: 'usr_one', epoch: 1, bot: false, scopes: [] })
  await put(ref('client', clientId), { v: 1, clientId, epoch: 1 })
}
