import { openOutage } from '../test/vault/outage.ts'
import { recallMany } from '../test/vault/recall.ts'
import type { Figure } from './report/result.ts'

/** More than that of a provider that is out nobody may ask it, however many connections it has. */
const mostAsked = 150
const minute = 60_000

/**
 * `npm run bench -- vault-outage` (FLT-28): connections of seven providers of which each is out in its own way (silent, 500, 429, half an
 * answer, a drip, nobody there, no TLS), and one that is well. What must hold besides, fails the bench: what is still valid is served,
 * of each connection one refresh is under way, and once they are back each is renewed by the refresh token that it had.
 */
export async function benchOutage(connections: number): Promise<readonly Figure[]> {
  const play = await openOutage()
  try {
    const { tookMillis, asked, renewed } = await play.ask(connections)
    const waited = await play.wait()
    const of = `${connections.toLocaleString('en')} connections, 7 providers out`
    return [
      { what: `${of}: until everybody had an answer`, ours: tookMillis, unit: 'ms', most: minute },
      {
        what: `${of}: requests to the one asked most`,
        ours: Math.max(...Object.values(asked)),
        unit: '',
        most: mostAsked,
      },
      { what: `${of}: renewed once 5 of them were back, none lost`, ours: renewed, unit: '' },
      {
        what: `p99 of ${waited.refreshes.toLocaleString('en')} refreshes of a provider that is well`,
        ours: waited.with,
        unit: 'ms',
        beside: { what: 'while all are well', value: waited.without },
        mostTimes: 1.2,
      },
    ]
  } finally {
    await play.close()
  }
}

/** `npm run bench -- vault-recall` (L25): one call ends all connections of a provider, on SQLite. */
export async function benchRecall(connections: number): Promise<readonly Figure[]> {
  const { deadMillis, endedMillis, waiting, othersMillis } = await recallMany(connections)
  const of = `${connections.toLocaleString('en')} connections recalled`
  return [
    { what: `${of}: until none gave a token`, ours: deadMillis, unit: 'ms', most: minute },
    { what: `${of}: until each was ended`, ours: endedMillis, unit: 'ms', most: 10 * minute },
    { what: `${of}: tokens waiting to be given back`, ours: waiting, unit: '' },
    { what: `${of}: p99 of others’ requests meanwhile`, ours: othersMillis, unit: 'ms', most: 500 },
  ]
}
