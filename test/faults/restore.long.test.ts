import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kinds } from '../../src/domain/fence.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { startGatehouse } from '../kit/gatehouse.ts'
import { openTestStore } from '../store/subjects.ts'
import { standingClock } from './replay.ts'
import { backup, replayAfterRestore, restore } from './restore-replay.ts'

test('FLT-33: of ten thousand credentials that were used, revoked or given before a restore, none comes back', async () => {
  const replay = await replayAfterRestore(1_112)
  try {
    const presented = Object.values(replay.presented).reduce((sum, count) => sum + count, 0)
    console.log(`FLT-33: ${presented} presented: ${JSON.stringify(replay.presented)}`)
    expect(presented).toBeGreaterThanOrEqual(10_000)
    expect(replay.revived).toEqual({ codes: 0, 'refresh tokens': 0, 'access tokens': 0, assertions: 0, sessions: 0 })
  } finally {
    await replay.close()
  }
})

const backups = 20

test(`FLT-32: ${backups} backups under load, each of them sound, whole and as of one commit`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-backups-'))
  const clock = standingClock()
  const server = await startGatehouse({ store: { adapter: 'sqlite', path: join(folder, 'live.db') }, clock })
  try {
    await server.makeUser('ada')
    const client = await server.makeClient()
    const browsers = await Promise.all(Array.from({ length: 8 }, () => codeFlow(server, client, 'ada')))
    const load = { ended: false }
    let rotations = 0
    const clients = browsers.map(async ({ tokens }) => {
      for (let token = tokens.refresh_token; !load.ended; rotations += 1) {
        const answer = await tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token: token })
        token = String(answer.json()['refresh_token'])
      }
    })
    for (let index = 0; index < backups; index += 1) {
      const lines = await backup({ store: server.core.transition.store, admin: server.core.admin }, clock)
      const path = join(folder, `${index}.db`)
      await restore(lines, path, clock)
      const opened = await openTestStore(path)
      expect(await opened.admin.verify()).toEqual([])
      await opened.admin.close()
      // One commit wrote the rotation and its event: a backup holds both or neither.
      expect(await generationsWithoutEvent(path)).toEqual([])
      rmSync(path)
    }
    load.ended = true
    await Promise.all(clients)
    console.log(`FLT-32: ${backups} backups during ${rotations} rotations`)
    expect(rotations).toBeGreaterThan(backups)
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Grants whose refresh generation and number of events about it differ. */
async function generationsWithoutEvent(path: string): Promise<readonly string[]> {
  const opened = await openTestStore(path, { eventTtl: 400 * 86_400 })
  const rotated = new Map<string, number>()
  const generations = new Map<string, number>()
  for await (const { id, value } of opened.admin.scan(...kinds)) {
    if ('type' in value && value.type === 'token.refreshed' && value.grantId !== undefined)
      rotated.set(value.grantId, (rotated.get(value.grantId) ?? 0) + 1)
    if ('refresh' in value && value.refresh !== undefined) generations.set(id, value.refresh.generation)
  }
  await opened.admin.close()
  expect(generations.size).toBe(8)
  return [...generations].flatMap(([id, generation]) => (generation === (rotated.get(id) ?? 0) ? [] : [id]))
}
