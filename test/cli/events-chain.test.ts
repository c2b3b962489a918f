import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSystem } from '../../src/server/system.ts'
import { openStore } from '../../src/store/open.ts'
import { openChronicle } from '../audit/chain.ts'
import { cli, workplace, type Said } from './bench.ts'

const place = workplace()
const path = join(place.directory, 'data', 'gatehouse.db')
afterAll(place.remove)

const gatehouse = (...args: readonly string[]): Promise<Said> => cli(place.directory, args)

beforeAll(async () => {
  const { clock, random } = createSystem()
  mkdirSync(join(place.directory, 'data'))
  const opened = await openStore({ adapter: 'sqlite', path }, { clock, random, onFatal: () => undefined })
  const chronicle = await openChronicle(opened, clock.seconds() - 86_400)
  await chronicle.happen(60)
  chronicle.advance(200)
  await chronicle.sealAll()
  await opened.admin.close()
})

test('the store and an export of it prove themselves, and say by which seal', async () => {
  const store = await gatehouse('events', 'verify', '--json')
  const head = expect.stringMatching(/^1:[\w-]{43}$/) as unknown
  expect(store.json()).toMatchObject({ sound: true, bad: 0, events: 61, seals: 1, late: 0, head })
  await gatehouse('events', 'export', 'events.jsonl')
  const file = await gatehouse('events', 'verify', 'events.jsonl', '--json', '--head', String(store.json()['head']))
  expect(file.json()).toEqual(store.json())
  expect(await gatehouse('events', 'verify', 'events.jsonl', '--head', `1:${'A'.repeat(43)}`)).toMatchObject({
    code: 1,
    err: expect.stringContaining("seal 1 isn't the one that was noted"),
  })
})

test('an export goes to standard output as well', async () => {
  const { out } = await gatehouse('events', 'export')
  expect(out).toBe(
    readFileSync(join(place.directory, 'events.jsonl'), 'utf8').replace(
      /"exported_at":\d+/,
      /"exported_at":\d+/.exec(out)?.[0] ?? '',
    ),
  )
})

test('an altered export and an altered store are refused, and the first bad event is named', async () => {
  const lines = readFileSync(join(place.directory, 'events.jsonl'), 'utf8').split('\n')
  const at = lines.findIndex((line) => line.startsWith('{"id"')) + 3
  const { id } = JSON.parse(lines[at] ?? '') as { id: string }
  writeFileSync(join(place.directory, 'shorter.jsonl'), lines.toSpliced(at, 1).join('\n'))
  expect(await gatehouse('events', 'verify', 'shorter.jsonl')).toMatchObject({
    code: 1,
    err: expect.stringContaining(`event ${id} is missing`),
  })
  const db = new DatabaseSync(path)
  db.prepare("UPDATE event SET value = json_set(value, '$.userId', 'usr_other') WHERE id = ?").run(id)
  db.close()
  expect(await gatehouse('events', 'verify')).toMatchObject({
    code: 1,
    err: expect.stringContaining(`event ${id} was changed`),
  })
})

test.each([
  [['events', 'verify', 'nowhere.jsonl'], 1, 'there is no file'],
  [['events', 'verify', 'events.jsonl', '--head', '7'], 2, 'NUMBER:HASH'],
])('%j is refused', async (args, code, words) => {
  expect(await gatehouse(...args)).toMatchObject({ code, err: expect.stringContaining(words) })
})

test('FLT-31: the doctor asks the audit sink whether it takes events', async () => {
  const checks = async (sink: string): Promise<readonly unknown[]> => {
    writeFileSync(join(place.directory, 'sink.yaml'), `store: "memory:"\naudit: { sink: "${sink}" }\n`)
    const said = await gatehouse('doctor', '--config', 'sink.yaml', '--json')
    return said.json()['checks'] as readonly unknown[]
  }
  expect(await checks('file:taken.jsonl')).toContainEqual({
    check: 'audit',
    status: 'ok',
    detail: 'the sink (file) takes events',
  })
  expect(await checks('file:nowhere/taken.jsonl')).toContainEqual({
    check: 'audit',
    status: 'fail',
    detail: expect.stringContaining("can't be written (ENOENT)"),
  })
})
