import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Grant } from '../../src/domain/grant.ts'
import { create, ref, type Kind } from '../../src/domain/record.ts'
import { readHead } from '../../src/store/backup.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { commitNew } from '../../src/store/transition.ts'
import { createBrowser } from '../kit/browser.ts'
import { codeFlow } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { enrol, sendCode, sendPassword, signedInBrowser } from '../kit/second-factor.ts'
import { openTestStore } from '../store/subjects.ts'
import { standingClock, used } from './replay.ts'
import { backup, replayAfterRestore, restore, type Replay } from './restore-replay.ts'

describe('FLT-33: a restored backup starts fenced', () => {
  let replay: Replay
  beforeAll(async () => {
    replay = await replayAfterRestore(12)
  })
  afterAll(() => replay.close())

  test('no code, refresh token, access token, assertion or session from before counts, used, revoked or not', () => {
    expect(replay.presented).toEqual({
      codes: 24,
      'refresh tokens': 36,
      'access tokens': 36,
      assertions: 12,
      sessions: 1,
    })
    expect(replay.revived).toEqual({ codes: 0, 'refresh tokens': 0, 'access tokens': 0, assertions: 0, sessions: 0 })
  })

  test('people sign in again with the password that the backup knows, and everything works', async () => {
    const { tokens } = await codeFlow(replay.server, replay.client, 'ada')
    expect(tokens.refresh_token).toMatch(/^gth_rt_/)
  })

  test('a client that signs assertions is let in again once none from before can still be valid', async () => {
    expect(await used(replay.server, replay.assertion())).toBe(false)
    replay.server.clock.advance(421)
    expect(await used(replay.server, replay.assertion())).toBe(true)
  })

  test('generation and global epoch have moved, and the audit log says when', async () => {
    const { store } = replay.server.core.transition
    const [instance] = await store.read([ref('instance', 'self')])
    expect(instance?.value).toMatchObject({ generation: 2 })
    const types: string[] = []
    for await (const { value } of replay.server.core.admin.scan('event')) if ('type' in value) types.push(value.type)
    expect(types).toContain('instance.restored')
  })
})

describe('FLT-33: second factors that were used after a backup', () => {
  test('no recovery code, no one-time code from before, comes back; the next one of the app signs in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-factors-'))
    const clock = standingClock()
    const before = await startGatehouse({ store: { adapter: 'sqlite', path: join(folder, 'a.db') }, clock })
    await before.makeUser('ada')
    const app = await enrol(before, await signedInBrowser(before, 'ada'))
    clock.advance(30)
    const lines = await backup({ store: before.core.transition.store, admin: before.core.admin }, clock)
    const [used = ''] = app.recoveryCodes
    for (const code of [app.code(), used]) expect(await signsIn(before, code)).toBe(true)
    await before.close()

    const path = join(folder, 'b.db')
    await restore(lines, path, clock)
    const listen = { host: '127.0.0.1', port: before.port }
    const after = await startGatehouse({
      store: { adapter: 'sqlite', path },
      clock,
      config: { issuer: before.url, listen },
    })
    try {
      for (const code of [app.code(-30), app.code(), ...app.recoveryCodes])
        expect(await signsIn(after, code)).toBe(false)
      clock.advance(30)
      expect(await signsIn(after, app.code())).toBe(true)
    } finally {
      await after.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** Whether password and code let somebody in, in a browser that nobody knows. */
async function signsIn(at: TestGatehouse, code: string): Promise<boolean> {
  const browser = createBrowser(at.url)
  const page = await browser.ask((await sendPassword(browser, 'ada')).location ?? '')
  return (await sendCode(browser, page, code)).location === '/account'
}

describe('a backup', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-backup-'))
  const clock = standingClock()
  let server: TestGatehouse
  let lines: readonly string[]
  beforeAll(async () => {
    server = await startGatehouse({ store: { adapter: 'sqlite', path: join(folder, 'a.db') }, clock })
    await server.makeUser('countess-of-lovelace')
    lines = await backup({ store: server.core.transition.store, admin: server.core.admin }, clock)
  })
  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('shows nothing of what it holds', () => {
    expect(lines.length).toBe(3)
    expect(lines.slice(1).join('\n')).toMatch(/^[A-Za-z0-9_\n-]+$/)
    expect(lines[0]).not.toContain('countess-of-lovelace')
  })

  test.each([
    ['cut off', () => lines.slice(0, -1)],
    ['without its middle', () => [lines[0] ?? '', lines[2] ?? '']],
    ['with a flipped character', () => [lines[0] ?? '', flipped(lines[1] ?? ''), lines[2] ?? '']],
    ['said to be newer', () => [(lines[0] ?? '').replace(/"made_at":./, '"made_at":9'), ...lines.slice(1)]],
    ['of another name', () => [(lines[0] ?? '').replace(/"backup_id":"./, '"backup_id":"~'), ...lines.slice(1)]],
  ])('that is %s is refused before anything is written', async (name, damaged) => {
    const path = join(folder, `${name}.db`)
    await expect(restore(damaged(), path, clock)).rejects.toThrow(/altered/)
    const opened = await openTestStore(path)
    for (const kind of ['user', 'lease'] as const)
      for await (const record of opened.admin.scan(kind)) expect(record).toBeUndefined()
    await opened.admin.close()
  })

  test('is refused where a newer program wrote it', () => {
    expect(() => readHead((lines[0] ?? '').replace('"v":1', '"v":2'))).toThrow(/written by a newer Gatehouse/)
  })

  test('that broke off goes on, and no other fills what it has begun', async () => {
    const path = join(folder, 'begun.db')
    const half = async (): Promise<number> => {
      const opened = await openTestStore(path)
      let users = 0
      for await (const { version } of opened.admin.scan('user')) users += version === '' ? 0 : 1
      await opened.admin.close()
      return users
    }
    const unplugged = (opened: OpenStore): OpenStore => ({
      ...opened,
      store: {
        ...opened.store,
        commit: async (writes) => {
          if (writes.some((write) => write.op === 'put' && write.kind === 'instance')) throw new Error('unplugged')
          return opened.store.commit(writes)
        },
      },
    })
    await expect(restore(lines, path, clock, unplugged)).rejects.toThrow('unplugged')
    expect(await half()).toBeGreaterThan(0)
    const other = await backup({ store: server.core.transition.store, admin: server.core.admin }, clock)
    await expect(restore(other, path, clock)).rejects.toThrow(/half filled by another command/)
    expect((await restore(lines, path, clock)).restored).toBeGreaterThan(0)
  })

  test('gives what it changes another stamp, and what it doesn’t the one that it had', async () => {
    const { transition, admin, random } = server.core
    const { store } = transition
    const grant: Grant = {
      v: 1,
      clientId: 'app',
      userId: 'usr_ada',
      scope: [],
      resources: [],
      epoch: '1.1.1',
      createdAt: clock.seconds(),
      authentication: { acr: 'pwd', amr: ['pwd'] },
    }
    const grantRef = ref('grant', random.id(clock.millis()))
    await commitNew(transition, [create(grantRef, grant, { owners: [], expiresAt: clock.seconds() + 900 })])
    const path = join(folder, 'stamps.db')
    await restore(await backup({ store, admin }, clock), path, clock)
    const opened = await openTestStore(path)
    const seen = { same: new Set<Kind>(), other: new Set<Kind>() }
    for await (const { kind, id, version, value } of opened.admin.scan('user', 'name', 'grant', 'instance')) {
      const [before] = await store.read([ref(kind, id)])
      const same = JSON.stringify(value) === JSON.stringify(before?.value)
      expect(version === before?.version, kind).toBe(same)
      seen[same ? 'same' : 'other'].add(kind)
    }
    await opened.admin.close()
    expect(seen).toEqual({ same: new Set(['user', 'name']), other: new Set(['grant', 'instance']) })
  })

  test('is never restored over a store that is there', async () => {
    const path = join(folder, 'twice.db')
    await restore(lines, path, clock)
    await expect(restore(lines, path, clock)).rejects.toThrow(/never overwrites one/)
  })
})

function flipped(line: string): string {
  return `${line.slice(0, 99)}${line[99] === 'A' ? 'B' : 'A'}${line.slice(100)}`
}
