import type { Instance } from '../../../src/domain/instance.ts'
import { returningKinds } from '../../../src/domain/fence.ts'
import { isHeld, type Connection } from '../../../src/domain/connection.ts'
import { ref } from '../../../src/domain/record.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'
import type { OpenStore, OwnedRecord } from '../../../src/store/port.ts'
import { readAlive } from '../../../src/store/read-alive.ts'
import { restoreStore } from '../../../src/store/restore.ts'
import { openTokens } from '../../../src/upstream/sealed-tokens.ts'
import type { FreshToken } from '../../../src/vault/fresh-token.ts'
import { recallConnections } from '../../../src/vault/recall-connections.ts'
import { rollDice } from '../dice.ts'
import type { Outcome } from '../episode.ts'
import type { Weather } from '../faulty-store.ts'
import type { Moment } from '../model.ts'
import { createScheduler } from '../scheduler.ts'
import { createWork } from '../work.ts'
import type { Opened, Sent } from './known.ts'
import { createVaultModel } from './model.ts'
import { connect, entry, keys, randomOf, startVaultNode, type Bend, type Surroundings, type VaultNode } from './node.ts'
import { createProvider } from './provider.ts'
import { all, settle, type Asking, type Link } from './settle.ts'
import type { Roads } from './wire.ts'

const start = 1_700_000_000_000
const mostBusy = 7
const mostLinks = 5

/** One run of the vault, all of which follows from its seed. `bend` is what it does wrong, to see whether it is found. */
export async function runVaultEpisode(
  seed: number,
  options: { readonly steps: number; readonly bend?: Bend },
): Promise<Outcome> {
  const dice = rollDice(seed)
  const scheduler = createScheduler(dice, start)
  const network = { name: 'network' }
  let step = 0
  const clocksStep = dice.chance(0.2)
  // What is ended as a whole leaves little for the rest to go wrong with.
  const isRecalling = dice.chance(0.4)
  const moment = (): Moment => ({ millis: scheduler.now(), order: step })
  const calm = dice.chance(0.1)
  const some = (most: number): number => (calm ? 0 : dice.below(1000) / 1000) * most
  const weather: { -readonly [Name in keyof Weather]: number } = {
    failing: some(0.04),
    lostAnswer: some(0.08),
    lateCommit: some(0.05),
    conflict: some(0.1),
    slow: some(0.5),
  }
  const isRough = dice.chance(0.6)
  const rough = (most: number): number => (isRough ? some(most) : 0)
  const roads: Roads = {
    unreachable: rough(0.1),
    lostAnswer: rough(0.1),
    late: rough(0.05),
    busy: rough(0.2),
    failing: rough(0.1),
    slow: some(0.8),
  }
  const verdict: { violation?: string } = {}
  const failed = (error: unknown): void => {
    verdict.violation ??= error instanceof Error ? error.message : String(error)
  }
  const provider = createProvider<Sent>({
    now: scheduler.now,
    life: 5 + dice.below(25),
    onRefresh: (told, came, request) => model.acted(told, came, request),
  })
  const model = createVaultModel({
    now: scheduler.now,
    order: () => step,
    clocksStep,
    providerName: entry.name,
    open: openKept,
    read: provider.read,
    isGood: provider.isGood,
    failed,
  })
  const counts: Record<string, number> = {
    crashes: 0,
    stops: 0,
    cuts: 0,
    restores: 0,
    unavailable: 0,
    later: 0,
    left: 0,
  }
  const tally = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1)
  const work = createWork({ failed, unavailable: () => tally('unavailable') })
  let around = surroundings(openMemoryStore({ eventTtl: 600 }))
  await populate(around.opened)
  const nodes: VaultNode[] = []
  const stopping = new Set<VaultNode>()
  for (let index = 0; index < 3; index += 1) nodes.push(await startNode(`node${index}`))
  let backup: readonly OwnedRecord[] = []
  let links: Link[] = []
  let accounts = 0

  function surroundings(opened: OpenStore): Surroundings {
    return {
      opened,
      scheduler,
      dice,
      weather,
      roads,
      network,
      provider,
      model,
      bend: options.bend ?? {},
      onCommit: (writes, by) => {
        // What comes late to a store that was given up harms nobody.
        if (around.opened !== opened) return
        try {
          model.sawCommit(writes, by)
        } catch (error) {
          failed(error)
        }
      },
      onError: (error) => {
        if (!(error instanceof Error) || !error.name.startsWith('Store')) failed(error)
      },
    }
  }

  function startNode(name: string): Promise<VaultNode> {
    return startVaultNode(name, dice.below(2000) - 1000, around)
  }

  async function replace(node: VaultNode): Promise<void> {
    nodes[nodes.indexOf(node)] = await startNode(`${node.name}'`.slice(0, 40))
  }

  function kill(node: VaultNode): void {
    model.died(node)
    scheduler.drop(node)
    node.directory.close()
    work.crash(node)
  }

  /** It answers whoever waits, and ends what it has begun: nothing that a provider has answered may be lost by it. */
  function stop(node: VaultNode): void {
    tally('stops')
    stopping.add(node)
    const ended = async (): Promise<void> => {
      await node.vault.close()
      stopping.delete(node)
      model.closed(node)
      node.directory.close()
      scheduler.drop(node)
    }
    const look = (): void => {
      if (work.busyAt(node) === 0) void ended().catch(failed)
      else scheduler.later(node, look, 200)
    }
    look()
  }

  /** All nodes die, and the store is what the backup was, fenced. */
  async function restore(): Promise<void> {
    tally('restores')
    for (const node of [...nodes, ...stopping]) kill(node)
    stopping.clear()
    const at = { now: Math.floor(scheduler.now() / 1000), millis: scheduler.now() }
    const opened = openMemoryStore({ eventTtl: 600 })
    const records = async function* () {
      yield* backup
    }
    const head = { format: 'gatehouse-backup', v: 1, backup_id: 'b', instance_id: 'i', made_at: at.now } as const
    const random = randomOf(dice)
    const clock = { seconds: () => at.now }
    await restoreStore(
      opened,
      { head, records },
      { store: opened.store, clock, random, at, eventId: random.id(at.millis) },
    )
    around = surroundings(opened)
    model.restored(await all(opened, 'connection', 'instance'))
    for (const [index, node] of nodes.entries()) nodes[index] = await startNode(`${node.name}'`.slice(0, 40))
  }

  function consent(node: VaultNode, renewed?: Link): void {
    // Some come back with another account than they had.
    const account = renewed !== undefined && dice.chance(0.9) ? renewed.account : `account${(accounts += 1)}`
    const id = node.context.random.id(node.context.clock.millis())
    // What comes of a consent while all is recalled is where most can go wrong.
    if (isRecalling && dice.chance(0.02)) recall(dice.pick(nodes) ?? node)
    work.begin(node, async () => {
      const renews = renewed?.id
      const isKept = await connect(node, provider, { id, account, ...(renews !== undefined && { renews }) })
      if (!isKept) return
      model.connected(renews ?? id)
      if (renewed === undefined) links.push({ id, account, last: undefined, mustRenew: false, over: false })
      else renewed.mustRenew = false
    })
  }

  function ask(link: Link, node: VaultNode, asked: Asking = {}): void {
    const from = moment()
    const { last } = link
    // Whoever used it hears what it is worth.
    const looks = asked.looks ?? dice.chance(0.4)
    const isRefused = looks && last !== undefined && !provider.takes(last.accessToken.reveal())
    work.begin(
      node,
      async () => {
        const fresh = await node.vault.freshToken({ connection: link.id, ...(isRefused && { rejected: last.edition }) })
        hear(link, fresh, from)
        asked.heard?.(fresh)
      },
      () => asked.heard?.(undefined),
    )
  }

  function hear(link: Link, fresh: FreshToken, from: Moment): void {
    model.answered(link.id, fresh, from)
    if (fresh.outcome === 'token') link.last = fresh
    if (fresh.outcome === 'unavailable') tally('later')
    link.mustRenew = fresh.outcome === 'needs_reauth'
    if (fresh.outcome === 'unknown' || fresh.outcome === 'revoked') link.over = true
  }

  function end(link: Link, node: VaultNode): void {
    work.begin(node, async () => {
      const { store } = node.context.transition
      const connection = await readAlive(store, ref('connection', link.id), node.context.clock.seconds())
      if (connection === undefined) return
      await node.vault.disconnect(link.id, { connection, by: {} })
      model.disconnected(link.id)
    })
  }

  function begin(node: VaultNode): void {
    const link = dice.pick(links)
    const kind = dice.below(1000)
    if (link === undefined || (kind < 80 && links.length < mostLinks)) consent(node)
    else if (link.mustRenew && kind < 500) consent(node, link)
    else if (kind < 930) {
      ask(link, node)
      // What is ended while it is renewed is where most can go wrong.
      if (dice.chance(0.02)) end(link, dice.pick(nodes) ?? node)
    } else if (kind < 945) end(link, node)
    else if (kind < 985) consent(node, link)
    else if (kind < 990) withdraw(link)
    else if (isRecalling && kind < 994) recall(node)
  }

  /** The person takes it back at the provider, who tells nobody. */
  function withdraw({ account }: Link): void {
    for (const family of provider.families()) if (family.account === account) family.ended ??= 'withdrawn'
  }

  /** An administrator ends all that there is of the provider. */
  function recall(node: VaultNode): void {
    work.begin(node, async () => {
      const recalled = await recallConnections(node.context, { actor: { kind: 'cli' }, provider: entry.name })
      if ('refused' in recalled) throw new Error(`L25: an administrator may not recall: ${recalled.refused.type}`)
      model.recalled(recalled.done.count)
      node.vault.finishRecalls()
    })
  }

  async function takeStep(): Promise<void> {
    const chance = dice.below(10_000)
    const node = dice.pick(nodes)
    if (node === undefined) return
    if (chance < 25 && !calm) {
      tally('crashes')
      kill(node)
      await replace(node)
    } else if (chance < 40) {
      await replace(node)
      stop(node)
    } else if (chance < 55 && !calm) {
      tally('cuts')
      node.cut(true)
      scheduler.later(node, () => node.cut(false), dice.below(20_000))
    } else if (chance < 65 && clocksStep) node.step(dice.below(40_000) - 20_000)
    else if (chance < 72) backup = await all(around.opened, ...returningKinds)
    else if (chance < 76 && backup.length > 0) await restore()
    else if (chance < 2000 && work.busy() < mostBusy) begin(node)
    else if (chance < 8500 && scheduler.waiting() > 0) await scheduler.resume()
    else await scheduler.advance(dice.chance(0.02) ? dice.below(8_000) : dice.below(150))
    if (step % 500 === 0) links = links.filter((one) => !one.over || dice.chance(0.5))
  }

  for (; step < options.steps && verdict.violation === undefined; step += 1) await takeStep().catch(failed)
  const steps = step
  // All faults are over: whatever isn't good now must say so.
  for (const name of Object.keys(weather) as (keyof Weather)[]) weather[name] = 0
  for (const name of Object.keys(roads) as (keyof Roads)[]) roads[name] = 0
  for (const node of nodes) node.cut(false)
  if (verdict.violation === undefined)
    await settle({
      around,
      work,
      nodes,
      links,
      ask,
      isOver: () => verdict.violation !== undefined,
      tick: () => (step += 1),
    })
      .then((isBack) => isBack || tally('left'))
      .catch(failed)
  for (const node of nodes) {
    scheduler.drop(node)
    node.directory.close()
  }
  return { steps, counts: { ...counts, ...model.counts }, ...verdict }
}

function openKept(id: string, connection: Connection): Opened | undefined {
  if (!isHeld(connection)) return undefined
  const tokens = openTokens(keys, { instanceId: 'i', kind: 'connection', id, edition: connection.edition }, connection)
  if (typeof tokens === 'string') return undefined
  return { access: tokens.accessToken.reveal(), refresh: tokens.refreshToken?.reveal() ?? '' }
}

async function populate({ store }: OpenStore): Promise<void> {
  const value = { v: 1, instanceId: 'i', generation: 1, epoch: 1, highWaterAt: 0, createdAt: 0 } as unknown as Instance
  await store.commit([
    { op: 'put', ...ref('instance', 'self'), expect: null, version: 'v', value, expiresAt: null, owners: [] },
  ])
}
