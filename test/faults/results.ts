import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { format, resolveConfig } from 'prettier'

/** One piece of a long run, as it stands in RESULTS.md: the rounds `from` to `from + n - 1` of a seed. */
export type Chunk = {
  readonly date: string
  readonly fault: string
  readonly seed: number
  readonly from: number
  readonly n: number
  readonly violations: number
  readonly acknowledged: number
  readonly unknown: number
  /** The slowest start, return of the nodes, restore with the start on it, or first write on a disk with room again, in milliseconds. */
  readonly readyMillis: number
  readonly commit: string
  readonly machine: string
}

const columns = [
  'date',
  'fault',
  'seed',
  'from',
  'n',
  'violations',
  'acknowledged',
  'unknown',
  'readyMillis',
  'commit',
  'machine',
] as const satisfies readonly (keyof Chunk)[]

const heads =
  'date | fault | seed | from round | n | violations | acknowledged | unknown | slowest ready ms | commit | machine'

const intro = `# Results

Every chunk of the long runs, as \`npm run faults:kill -- --publish\` and its siblings wrote it, whatever it found. What is done is decided by the seed and the number of the round, so the chunks of one seed are different rounds. No violation in n rounds bounds the rate at 3/n, with 95 % confidence; that bound is of the commits in its rows. This page is also where a run goes on: the next chunk begins behind the last one of its fault and seed.
`

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
const table = (head: string, rows: readonly string[]): string[] => [
  row([head]),
  row(head.split('|').map(() => '---')),
  ...rows,
]

export function printResults(chunks: readonly Chunk[]): string {
  const sums = Map.groupBy(chunks, ({ fault }) => fault)
    .entries()
    .map(([fault, of]) => {
      const sum = (what: 'n' | 'violations'): number => of.reduce((total, chunk) => total + chunk[what], 0)
      const [n, violations] = [sum('n'), sum('violations')]
      const bound = violations === 0 ? `${Math.min(100, Number((300 / n).toPrecision(2)))} %` : 'found some'
      return row([fault, n, of.length, violations, bound])
    })
  return [
    intro,
    ...table('fault | n | chunks | violations | rate is below', [...sums]),
    '',
    ...table(
      heads,
      chunks.map((chunk) => row(columns.map((column) => chunk[column]))),
    ),
    '',
  ].join('\n')
}

/** The inverse. A row that somebody broke is an error: what isn't read would be run, and counted, again. */
export function parseResults(text: string): Chunk[] {
  return text
    .split('\n')
    .filter((line) => /^\| *\d{4}-/.test(line))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim())
      if (cells.length !== columns.length + 2) throw new Error(`RESULTS.md: not a row of ours: ${line}`)
      const words = (column: keyof Chunk): string => cells[columns.indexOf(column) + 1] ?? ''
      const count = (column: keyof Chunk): number => {
        const value = Number(words(column))
        if (!Number.isSafeInteger(value) || words(column) === '')
          throw new Error(`RESULTS.md: ${column} isn't a number: ${line}`)
        return value
      }
      return {
        date: words('date'),
        fault: words('fault'),
        seed: count('seed'),
        from: count('from'),
        n: count('n'),
        violations: count('violations'),
        acknowledged: count('acknowledged'),
        unknown: count('unknown'),
        readyMillis: count('readyMillis'),
        commit: words('commit'),
        machine: words('machine'),
      }
    })
}

/** The first round of this fault and seed that no chunk has done. */
export function nextRound(chunks: readonly Chunk[], { fault, seed }: Pick<Chunk, 'fault' | 'seed'>): number {
  return Math.max(0, ...chunks.filter((one) => one.fault === fault && one.seed === seed).map(({ from, n }) => from + n))
}

const page = new URL('RESULTS.md', import.meta.url)

export const published = (): Chunk[] => (existsSync(page) ? parseResults(readFileSync(page, 'utf8')) : [])

export async function publish(chunk: Omit<Chunk, 'date' | 'commit' | 'machine'>, commit: string): Promise<void> {
  const [cpu, ...others] = cpus()
  const whole: Chunk = {
    ...chunk,
    date: new Date().toISOString().slice(0, 10),
    commit,
    machine: `${others.length + 1} × ${cpu?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`,
  }
  const text = printResults([...published(), whole])
  const config = await resolveConfig(page)
  writeFileSync(page, await format(text, { ...config, parser: 'markdown' }))
}

/** What is run: the commit, and whether anything but the page of results differs from it. */
export function commitHere(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: new URL('.', page), encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', ':/', ':!RESULTS.md')
  return git('rev-parse', '--short=10', 'HEAD') + (changed === '' ? '' : ' and changes')
}
