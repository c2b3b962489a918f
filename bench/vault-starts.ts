import { globSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFixture, type Fixture } from './fixture.ts'
import { connect } from './load/connection.ts'
import { usageOf } from './measure/process.ts'
import type { Figure } from './report/result.ts'
import { quantile } from './report/statistics.ts'
import { allowingStrangers, strangersProvider } from './sides/gatehouse.ts'
import type { Side } from './sides/side.ts'
import { freePort, launchServer, makeDirectory } from './sides/start.ts'

/** As the limits have it: so many starts of one address at once, and somebody who goes on is told to wait. */
const perAddress = 200
/** More addresses than the tables of the limits hold, so that they are as large as they get before anything is measured. */
const firstAddresses = 60_000
/** Each begins two hundred times before anything is measured. */
const warmAddresses = 500
/** Looks at what is measured. */
const quarters = 4
const lanes = 32
const settleMillis = 5_000
const tokenRounds = 5
const tokensPerRound = 400

/**
 * `npm run bench -- vault-starts`: what starts of connections that nobody follows leave behind in a server of its own process, where
 * strangers may begin (L12). They come over HTTP from addresses of 127/8, two hundred from each, which is no more than one may; the
 * process is asked for its resident memory by /proc, the data directory for its size.
 */
export async function benchVaultStarts(gatehouse: Side, starts: number): Promise<readonly Figure[]> {
  const side = allowingStrangers(gatehouse)
  const directory = makeDirectory()
  try {
    const port = await freePort()
    const fixture = makeFixture()
    const launch = side.prepare({ directory, port, fixture })
    // The first start makes the store; what it does once is over then.
    await (await launchServer(side, launch, directory, port, 'any')).stop()
    const server = await launchServer(side, launch, directory, port, 'any')
    try {
      return await measure({ port, pid: server.pid, data: join(directory, 'data'), fixture, starts })
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

type Place = {
  readonly port: number
  readonly pid: number
  readonly data: string
  readonly fixture: Fixture
  readonly starts: number
}

async function measure({ port, pid, data, fixture, starts }: Place): Promise<readonly Figure[]> {
  const sizes = async () => {
    await pause(settleMillis)
    return { rss: usageOf(pid).rssBytes, disk: bytesIn(data) }
  }
  await begin(port, { addresses: firstAddresses, each: 1, from: 0 })
  // As it goes on, until the heap is as large as the garbage of that many requests makes it, with anything left behind or nothing.
  await begin(port, { addresses: warmAddresses, each: perAddress, from: firstAddresses })
  await tokenP99(port, fixture)
  // Tokens leave events: those that are measured stand before the first look, and behind the last.
  const p99 = await tokenP99(port, fixture)
  const before = await sizes()
  const addresses = Math.ceil(starts / perAddress / quarters)
  let from = firstAddresses + warmAddresses
  let tookMillis = 0
  const along: { readonly rss: number; readonly disk: number }[] = []
  for (let quarter = 0; quarter < quarters; quarter += 1) {
    const began = performance.now()
    await begin(port, { addresses, each: perAddress, from })
    tookMillis += performance.now() - began
    from += addresses
    along.push(await sizes())
  }
  const all = addresses * perAddress * quarters
  const after = along.at(-1) ?? before
  const p99After = await tokenP99(port, fixture)
  await lockNobodyOut(port, from)
  const of = `after ${all.toLocaleString('en')} starts`
  const megabytes = (bytes: number): number => bytes / 1e6
  const [first = before, ...further] = along
  const perQuarter = all / quarters
  // What grows once, with the heap's room for garbage, isn't left behind by starts: a leak goes on with their number.
  const asAfterFirst = (value: number) => ({ what: `after ${perQuarter.toLocaleString('en')}`, value })
  return [
    { what: 'resident memory before them', ours: megabytes(before.rss), unit: 'MB' },
    ...further.map(({ rss }, quarter) => ({
      what: `resident memory after ${(perQuarter * (quarter + 2)).toLocaleString('en')} starts`,
      ours: megabytes(rss),
      unit: 'MB',
      beside: asAfterFirst(megabytes(first.rss)),
      mostTimes: 1.1,
    })),
    {
      what: `data directory ${of}`,
      ours: megabytes(after.disk),
      unit: 'MB',
      beside: asAfterFirst(megabytes(first.disk)),
      mostTimes: 1.01,
    },
    {
      what: `p99 of /oauth/token ${of}`,
      ours: p99After,
      unit: 'ms',
      beside: { what: 'before them', value: p99 },
      mostTimes: 2,
    },
    { what: 'starts over HTTP, by one asking process', ours: all / (tookMillis / 1000), unit: '/s' },
  ]
}

/** Every start is a 201, or the bench fails: what is refused would leave nothing behind anyway. */
async function begin(
  port: number,
  { addresses, each, from }: { readonly addresses: number; readonly each: number; readonly from: number },
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < addresses) {
      const address = addressOf(from + next)
      next += 1
      const connection = await connect('127.0.0.1', port, address)
      for (let sent = 0; sent < each; sent += 1) {
        const { status } = await connection.request(startRequest(port))
        if (status !== 201) throw new Error(`start ${sent + 1} of ${address} was answered ${status}`)
      }
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** One address that goes on without end is told to wait; the next one is not. */
async function lockNobodyOut(port: number, from: number): Promise<void> {
  const greedy = await connect('127.0.0.1', port, addressOf(from))
  let status = 201
  for (let sent = 0; sent < 5_000 && status === 201; sent += 1) ({ status } = await greedy.request(startRequest(port)))
  greedy.close()
  if (status !== 429) throw new Error(`who began without end was answered ${status}`)
  await begin(port, { addresses: 1, each: 1, from: from + 1 })
}

/** Of 127/8, all of which is this machine; 127.0/16 is left to others. */
function addressOf(index: number): string {
  return `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
}

const form = `provider=${strangersProvider}`
const startRequest = (port: number): string =>
  `POST /vault/connect HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`

/** 99 of a hundred requests took at most so many milliseconds, one after the other, in the quietest of a few rounds. */
async function tokenP99(port: number, { service, resources }: Fixture): Promise<number> {
  const body = `grant_type=client_credentials&resource=${encodeURIComponent(resources.opaque)}`
  const request = [
    'POST /oauth/token HTTP/1.1',
    `Host: localhost:${port}`,
    `Authorization: Basic ${btoa(`${service.id}:${service.secret}`)}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}\r\n\r\n${body}`,
  ].join('\r\n')
  const connection = await connect('127.0.0.1', port)
  const rounds: number[] = []
  for (let round = 0; round < tokenRounds; round += 1) {
    const took: number[] = []
    for (let sent = 0; sent < tokensPerRound; sent += 1) {
      const began = performance.now()
      const { status } = await connection.request(request)
      if (status !== 200) throw new Error(`a token request was answered ${status}`)
      took.push(performance.now() - began)
    }
    rounds.push(quantile(took, 0.99))
  }
  connection.close()
  return Math.min(...rounds)
}

function bytesIn(directory: string): number {
  return globSync('**', { cwd: directory, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
