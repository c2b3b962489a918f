import type { Outcome } from '../load/main.ts'
import type { Figure, Result, SideResult } from './result.ts'
import { median, spread } from './statistics.ts'
import { table } from './table.ts'

const OURS = 'gatehouse'

/** Everything measured, as Markdown: ratios first, then the figures behind them, then where they come from. */
export const render = (results: readonly Result[]): string =>
  [
    section(
      'Ratios',
      'Server CPU per flow, a peer ÷ ours; in brackets the rounds’ lowest and highest.',
      ratios(results),
    ),
    section(
      'Throughput kept',
      'Flows per second in harder times, or of two workers on two cores, ÷ ours otherwise, from rounds that took turns.',
      kept(results),
    ),
    section(
      'Figures',
      'Medians of the rounds. CPU is the server’s, all threads, per flow. Latencies are a closed loop’s and only for proportion.',
      figures(results),
    ),
    section('Memory', 'Resident set of the process, MB.', memory(results)),
    section('Start', 'From starting the process to its first ready answer, on a store that exists.', starts(results)),
    section(
      'Alone',
      'Figures that no load on a server stands behind, or that have a limit of their own.',
      alone(results),
    ),
    section('Where and when', undefined, provenance(results)),
  ]
    .filter((text) => text !== '')
    .join('\n\n')

const section = (title: string, lead: string | undefined, body: string): string =>
  body === '' ? '' : `## ${title}\n\n${lead === undefined ? '' : `${lead}\n\n`}${body}`

const costs = (rounds: readonly Outcome[]): number[] => rounds.map((round) => round.serverCpuMicroseconds / round.flows)

type Loaded = Extract<SideResult, { rounds: unknown }>
const loaded = (result: Result): Loaded[] => result.sides.filter((side) => 'rounds' in side)

const ratios = (results: readonly Result[]): string => {
  const rows = results.flatMap((result) => {
    const ours = loaded(result).find(({ side }) => side === OURS)
    if (ours === undefined) return []
    return loaded(result)
      .filter(({ side, keeps }) => side !== OURS && keeps === undefined)
      .map((peer) => {
        const [theirCosts, ourCosts] = [costs(peer.rounds), costs(ours.rounds)]
        const ratio = median(theirCosts) / median(ourCosts)
        const each = theirCosts.map((cost, round) => cost / (ourCosts[round] ?? Number.NaN))
        const range = `(${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)})`
        const { target } = peer
        const verdict = target === undefined ? '' : verdictOf(ratio >= target.reach, ratio >= target.moonshot)
        return [
          result.name,
          peer.side,
          micro(median(theirCosts)),
          micro(median(ourCosts)),
          `${ratio.toFixed(2)}×`,
          range,
          target === undefined ? '' : `≥ ${target.reach}`,
          target === undefined ? '' : `≥ ${target.moonshot}`,
          verdict,
        ]
      })
  })
  const head = ['bench', 'beside', 'theirs µs', 'ours µs', 'ratio', 'rounds', 'reach', 'moonshot', '']
  return rows.length === 0 ? '' : table(head, rows, [1, 8])
}

const kept = (results: readonly Result[]): string => {
  const rows = results.flatMap((result) => {
    const ours = loaded(result).find(({ side }) => side === OURS)
    return loaded(result).flatMap(({ side, rounds, keeps }) => {
      if (ours === undefined || keeps === undefined) return []
      const { cores } = keeps
      const rate = (of: readonly Outcome[], on: number): number =>
        cores === undefined ? median(of.map(({ flows, seconds }) => flows / seconds)) : (on * 1e6) / median(costs(of))
      const [now, otherwise] = [rate(rounds, cores ?? 1), rate(ours.rounds, 1)]
      const share = now / otherwise
      const verdict = verdictOf(share >= keeps.reach, share >= keeps.moonshot)
      const figures = [count(now), count(otherwise), share.toFixed(2)]
      return [[result.name, side, ...figures, `≥ ${keeps.reach}`, `≥ ${keeps.moonshot}`, verdict]]
    })
  })
  const head = ['bench', 'side', 'flows/s', 'otherwise', 'kept', 'reach', 'moonshot', '']
  return rows.length === 0 ? '' : table(head, rows, [1, 7])
}

const verdictOf = (reached: boolean, moonshot: boolean): string =>
  moonshot ? 'moonshot' : reached ? 'reached' : 'MISSED'

const figures = (results: readonly Result[]): string => {
  const rows = results.flatMap((result) =>
    loaded(result).map(({ side, rounds }) => {
      const of = (pick: (round: Outcome) => number): number => median(rounds.map(pick))
      return [
        result.name,
        side,
        micro(median(costs(rounds))),
        `${(spread(costs(rounds)) * 100).toFixed(0)} %`,
        count(of((round) => round.flows / round.seconds)),
        of((round) => round.requests / round.flows)
          .toFixed(1)
          .replace('.0', ''),
        of((round) => round.p50).toFixed(2),
        of((round) => round.p99).toFixed(1),
        megabytes(of((round) => round.serverRssBytes)),
        `${(of((round) => round.serverCpuMicroseconds / 1e6 / round.seconds) * 100).toFixed(0)} %`,
      ]
    }),
  )
  const head = ['bench', 'side', 'CPU µs', 'spread', 'flows/s', 'requests', 'p50 ms', 'p99 ms', 'RSS MB', 'core busy']
  return rows.length === 0 ? '' : table(head, rows, [1])
}

const memory = (results: readonly Result[]): string => {
  const rows = results.flatMap((result) =>
    result.sides.flatMap((side) =>
      'memory' in side
        ? [[side.side, megabytes(side.memory.idleBytes), megabytes(side.memory.afterBytes), count(side.memory.tokens)]]
        : [],
    ),
  )
  return rows.length === 0 ? '' : table(['side', 'idle', 'after the tokens', 'tokens'], rows)
}

const starts = (results: readonly Result[]): string => {
  const rows = results.flatMap((result) =>
    result.sides.flatMap((side) =>
      'startMilliseconds' in side
        ? [
            [
              side.side,
              `${median(side.startMilliseconds).toFixed(0)} ms`,
              `${(spread(side.startMilliseconds) * 100).toFixed(0)} %`,
            ],
          ]
        : [],
    ),
  )
  return rows.length === 0 ? '' : table(['side', 'median', 'spread'], rows)
}

const alone = (results: readonly Result[]): string => {
  const rows = results.flatMap((result) =>
    result.sides.flatMap((side) =>
      'figures' in side ? side.figures.map((figure) => [result.name, ...aloneRow(figure)]) : [],
    ),
  )
  return rows.length === 0
    ? ''
    : table(['bench', 'what', 'ours', 'beside', 'ours ÷ it', 'limit', ''], rows, [1, 2, 4, 7])
}

const aloneRow = ({ what, ours, unit, beside, most, mostTimes }: Figure): string[] => {
  const times = beside === undefined ? Number.NaN : ours / beside.value
  const kept = most === undefined ? mostTimes === undefined || times <= mostTimes : ours <= most
  return [
    what,
    `${quantity(ours)} ${unit}`.trim(),
    beside === undefined ? '' : `${beside.what}: ${quantity(beside.value)} ${unit}`,
    beside === undefined ? '' : times.toFixed(2),
    most === undefined ? (mostTimes === undefined ? '' : `≤ ${mostTimes} ×`) : `≤ ${count(most)} ${unit}`.trim(),
    most === undefined && mostTimes === undefined ? '' : kept ? 'reached' : 'MISSED',
  ]
}

const provenance = (results: readonly Result[]): string => {
  const sides = new Map(results.flatMap((result) => result.sides.map(({ side, title }) => [side, title] as const)))
  const notes = results.flatMap((result) =>
    result.sides.flatMap(({ side, note }) => (note === undefined ? [] : [`- **${result.name}**, ${side}: ${note}`])),
  )
  const runs = Map.groupBy(results, ({ machine, command, when }) =>
    JSON.stringify([machine, command, when.slice(0, 10)]),
  )
  const rows = [...runs.values()].flatMap((run) => {
    const [first] = run
    if (first === undefined) return []
    const { machine, command, when } = first
    const peers = Object.entries(machine.peers).map(([name, version]) => `${name} ${version}`)
    const { cores, cpu, memoryGiB, kernel, fileSystem, pinned } = machine
    return [
      [
        run.map(({ name }) => name).join(', '),
        when.slice(0, 16).replace('T', ' '),
        machine.commit,
        [`Node ${machine.node}`, ...peers].join(', '),
        `${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, ${fileSystem}${pinned ? '' : ', not pinned'}`,
        `\`${command}\``,
      ],
    ]
  })
  return [
    table(['bench', 'UTC', 'commit', 'versions', 'machine', 'command'], rows, [1, 2, 3, 4, 5]),
    results.map(({ name, what }) => `- **${name}**: ${what}`).join('\n'),
    [...sides].map(([side, title]) => `- *${side}*: ${title}`).join('\n'),
    notes.join('\n'),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

const micro = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0))
const count = (value: number): string => Math.round(value).toLocaleString('en-GB')
const quantity = (value: number): string => (value < 1000 && !Number.isInteger(value) ? micro(value) : count(value))
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)
