import { constants, getPriority, setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFixture } from './fixture.ts'
import type { Outcome } from './load/main.ts'
import { runLoad } from './run-round.ts'
import type { Figure } from './report/result.ts'
import { behindProxy } from './sides/gatehouse.ts'
import type { Side } from './sides/side.ts'
import { start } from './sides/start.ts'

const rounds = 5
const seconds = 5
/** More than hash at once and wait: the queue takes a hundred. */
const guessers = 120
/** How long somebody waits who was told that too many do. */
const waitMillis = 100

/**
 * `npm run bench -- password-queue`: the time of a token request while the queue for password hashing is full of guesses, beside the
 * same without any. Rounds take turns; four connections, so that the server isn't its own bottleneck.
 */
export async function benchPasswordQueue(gatehouse: Side): Promise<readonly Figure[]> {
  const measured: { readonly quiet: Outcome[]; readonly full: Outcome[] } = { quiet: [], full: [] }
  let turnedAway = 0
  for (let round = 1; round <= rounds; round += 1) {
    measured.quiet.push((await measure(gatehouse, false)).outcome)
    const full = await measure(gatehouse, true)
    measured.full.push(full.outcome)
    turnedAway += full.turnedAway
  }
  if (turnedAway === 0) throw new Error('the queue was never full')
  const beside = { what: 'the same without guesses', value: median(measured.quiet) }
  return [{ what: 'p99 of /oauth/token', ours: median(measured.full), unit: 'ms', beside, mostTimes: 2 }]
}

function median(outcomes: readonly Outcome[]): number {
  return outcomes.map(({ p99 }) => p99).toSorted((a, b) => a - b)[Math.floor(outcomes.length / 2)] ?? Number.NaN
}

type Measured = { readonly outcome: Outcome; readonly hashed: number; readonly turnedAway: number }

async function measure(gatehouse: Side, guessing: boolean): Promise<Measured> {
  const fixture = makeFixture()
  const server = await start({ ...behindProxy(gatehouse), core: 'any' }, fixture)
  try {
    const job = { flow: 'cc-opaque', port: server.port, pid: server.pid, fixture, lanes: 4 } as const
    // Begun first: what is started by whoever yields would yield as well.
    const loading = runLoad({ ...job, warmupCpuSeconds: 2, until: { seconds } })
    const guesses = guessing ? guess(server.port) : undefined
    const outcome = await loading
    return { outcome, ...(await (guesses?.stop() ?? { hashed: 0, turnedAway: 0 })) }
  } finally {
    await server.stop()
  }
}

/** Wrong passwords, each for another name from another address, so that nothing but the queue holds them up. */
function guess(port: number): { readonly stop: () => Promise<Pick<Measured, 'hashed' | 'turnedAway'>> } {
  const origin = `http://localhost:${port}`
  const stopping = new AbortController()
  // Who guesses sits elsewhere, and takes none of this machine's cores from the server or from those who wait for its answers.
  const priority = getPriority()
  setPriority(constants.priority.PRIORITY_LOW)
  let [next, hashed, turnedAway] = [0, 0, 0]
  async function lane(form: { readonly cookie: string; readonly csrf: string }): Promise<void> {
    while (!stopping.signal.aborted) {
      next += 1
      const { status } = await post(form, next)
      if (status === 403) hashed += 1
      else turnedAway += 1
      if (status !== 403) await pause(waitMillis)
    }
  }
  async function post({ cookie, csrf }: { readonly cookie: string; readonly csrf: string }, number: number) {
    const response = await fetch(`${origin}/signin`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'x-forwarded-for': `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}` },
      body: new URLSearchParams({ csrf, username: `nobody-${number}`, password: `a guess ${number}` }),
    })
    await response.arrayBuffer()
    return response
  }
  async function run(): Promise<void> {
    const page = await fetch(`${origin}/signin`)
    const cookie = page.headers
      .getSetCookie()
      .map((line) => line.split(';', 1)[0])
      .join('; ')
    const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? ''
    await Promise.all(Array.from({ length: guessers }, () => lane({ cookie, csrf })))
  }
  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
      setPriority(priority)
      return { hashed, turnedAway }
    },
  }
}
