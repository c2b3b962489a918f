import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { cli, endServers, ioAt, serve, workplace } from './bench.ts'

const { directory, remove } = workplace()
afterAll(async () => {
  await endServers()
  remove()
})
let places = 0
/** A directory where nothing is yet. */
function place(files: Readonly<Record<string, string>> = {}): string {
  const made = join(directory, String((places += 1)))
  mkdirSync(made)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text)
  return made
}
const seed = `accounts:
  - { user_id: usr_root, username: wally, role: superuser }
  - user_id: usr_import-bot
    username: importer
    bot: true
    wrangler: usr_root
    scopes: [accounts:provision]
  - user_id: usr_claire
    username: claire
    identities: [{ provider: orcid, issuer: 'https://orcid.org', subject: 0000-0001 }]
`

describe('gatehouse init', () => {
  test('--yes writes a configuration, the store and an administrator, and serve runs on them', async () => {
    const at = place()
    const said = await cli(at, ['init', '--yes'])
    expect(said).toMatchObject({ code: 0, err: '' })
    expect(said.out).toContain('shown this once')
    expect(readFileSync(join(at, 'gatehouse.yaml'), 'utf8')).toContain('registration: "closed"')
    const password = /\n {4}(\S+)\n/.exec(said.out)?.[1] ?? ''
    const server = await serve(at, ['--issuer', 'http://localhost:8080'])
    // The administrator is there: nobody is made, and told of, a second time.
    expect(server.out()).not.toContain('shown this once')
    const listed = await cli(at, ['user', 'list', '--json'])
    expect(listed.json()['items']).toMatchObject([{ username: 'admin', role: 'superuser' }])
    expect(password.length).toBeGreaterThan(15)
  })

  test('flags answer for the rest, judged before anything is written', async () => {
    const at = place()
    const bad = await cli(at, ['init', '--yes', '--registration', 'sometimes'])
    expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('users.registration') as string })
    expect(await cli(at, ['init', '--yes', '--issuer', 'http://login.example'])).toMatchObject({ code: 1 })
    expect(
      await cli(at, ['init', '--yes', '--smtp', 'smtps://user:pw@mail.example', '--from', 'a@b.example']),
    ).toMatchObject({ code: 1 })
    // What was typed is a value and never becomes a key.
    const sly = await cli(at, ['init', '--yes', '--registration', 'open" }\nlegacy: { x: "'])
    expect(sly.code).toBe(1)
    expect(existsSync(join(at, 'gatehouse.yaml'))).toBe(false)
    expect(existsSync(join(at, 'data'))).toBe(false)
    const good = await cli(at, [
      'init',
      '--yes',
      '--registration',
      'open',
      '--smtp',
      'smtps://mail.example',
      '--from',
      'login@b.example',
      '--json',
    ])
    expect(good.json()).toMatchObject({ written: true, administrator: 'made' })
  })

  test.each([
    ['kept', 'gatehouse.yaml', './kept'],
    ['kept', 'etc/gatehouse.yaml', '../kept'],
    [undefined, 'etc/gatehouse.yaml', '../data'],
  ])(
    '--data %s --config %s: key and store are in one directory, which the other commands find',
    async (data, config, said) => {
      const at = place()
      mkdirSync(join(at, 'etc'))
      const flags = data === undefined ? [] : ['--data', data]
      expect(await cli(at, ['init', '--yes', '--config', config, ...flags])).toMatchObject({ code: 0, err: '' })
      expect(readFileSync(join(at, config), 'utf8')).toContain(`data: ${JSON.stringify(said)}\n`)
      const kept = join(at, data ?? 'data')
      expect(readdirSync(kept)).toEqual(expect.arrayContaining(['gatehouse.db', 'gatehouse.key']))
      const folders = [kept, join(at, 'data'), join(at, 'etc', 'data')].filter((folder) => existsSync(folder))
      expect(new Set(folders)).toEqual(new Set([kept]))
      for (const listing of [
        ['user', 'list', ...flags, '--json'],
        ['user', 'list', '--config', config, '--json'],
      ])
        expect((await cli(at, listing)).json()['items'], listing.join(' ')).toMatchObject([{ username: 'admin' }])
    },
  )

  test('a file that --store names is counted from where it is typed, as for every other command', async () => {
    const at = place()
    mkdirSync(join(at, 'etc'))
    const args = ['init', '--yes', '--config', 'etc/gatehouse.yaml', '--store', 'sqlite:own.db']
    expect(await cli(at, args)).toMatchObject({ code: 0, err: '' })
    expect(readFileSync(join(at, 'etc/gatehouse.yaml'), 'utf8')).toContain('store: "sqlite:../own.db"\n')
    expect(existsSync(join(at, 'own.db'))).toBe(true)
  })

  test('never writes over a configuration, and never asks without a terminal', async () => {
    const at = place({ 'gatehouse.yaml': 'issuer: http://localhost:8080\n' })
    expect(await cli(at, ['init', '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('already') as string,
    })
    expect(readFileSync(join(at, 'gatehouse.yaml'), 'utf8')).toBe('issuer: http://localhost:8080\n')
    expect(await cli(place(), ['init'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') as string })
  })

  test('asks five questions at a terminal; Enter takes what it offers', async () => {
    const at = place()
    const told = { out: '', err: '' }
    const stdin = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream
    const io = { ...ioAt(at, {}, told), stdin }
    const answers = ['http://localhost:9090', '', 'invite', 'smtps://mail.example', 'login@b.example']
    const typing = setInterval(() => {
      // One line for each question that stands there.
      const asked = (told.err.match(/\?/g) ?? []).length
      if (asked > 5 - answers.length) (stdin as unknown as PassThrough).write(`${answers.shift() ?? ''}\n`)
    }, 5)
    const code = await run(['init'], io)
    clearInterval(typing)
    expect([code, answers.length]).toEqual([0, 0])
    const written = readFileSync(join(at, 'gatehouse.yaml'), 'utf8')
    expect(written).toContain('issuer: "http://localhost:9090"')
    expect(told.err).toContain(
      'Where is everything kept? (sqlite:, postgres:, mysql: or dynamodb:) [sqlite:./data/gatehouse.db]',
    )
    expect(written).toContain('data: "./data"')
    expect(written).not.toContain('store:')
    expect(written).toContain('registration: "invite"')
    expect(written).toContain('mail: { smtp: "smtps://mail.example", from: "login@b.example" }')
  })
})

describe('gatehouse init --seed', () => {
  const made = (at: string) => cli(at, ['init', '--yes', '--seed', 'seed.yaml', '--json'])

  test('makes accounts with the ids that it gives them, and again means the same', async () => {
    const at = place({ 'seed.yaml': seed })
    // With an administrator of its own nobody else is made.
    expect((await made(at)).json()).toMatchObject({ accounts: { imported: 3, there: 0 }, administrator: 'there' })
    expect((await cli(at, ['user', 'show', 'importer', '--json'])).json()).toMatchObject({
      user_id: 'usr_import-bot',
      bot: true,
      wrangler: 'usr_root',
      scopes: ['accounts:provision'],
    })
    await cli(at, ['user', 'set-role', 'claire', 'admin'])
    expect((await made(at)).json()).toMatchObject({ written: false, accounts: { imported: 0, there: 3 } })
    // What was changed since stays: a seed is where accounts begin.
    expect((await cli(at, ['user', 'show', 'claire', '--json'])).json()).toMatchObject({ role: 'admin' })
  })

  test('run again, it gives nobody back a way in that was taken away since', async () => {
    const at = place({ 'seed.yaml': seed })
    await made(at)
    expect((await cli(at, ['user', 'unlink', 'claire', 'orcid'])).code).toBe(0)
    expect((await made(at)).json()).toMatchObject({ accounts: { imported: 0, there: 3 } })
    // Linked still, this would be refused.
    const again = await cli(at, ['user', 'unlink', 'claire', 'orcid'])
    expect(again.code).not.toBe(0)
  })

  test.each([
    ['another key', 'accounts: []\nusers: []\n', 'nothing else'],
    [
      'a slip in a word',
      'accounts:\n  - { user_id: usr_a, username: a, rol: admin }\n',
      'seed.yaml:2:5: the account has rol',
    ],
    ['no id', 'accounts: [{ username: a }]\n', 'lacks user_id'],
    ['an id that is none', 'accounts: [{ user_id: "ada lovelace", username: a }]\n', 'user_id is usr_'],
    [
      'two of one id',
      'accounts: [{ user_id: usr_a, username: a }, { user_id: usr_A, username: b }]\n',
      'stands there twice',
    ],
    ['a bot of nobody', 'accounts: [{ user_id: usr_a, username: abc, bot: true }]\n', 'a bot needs a wrangler'],
    ['a yes that is none', 'accounts: [{ user_id: usr_a, username: abc, bot: "yes" }]\n', 'neither true nor false'],
    ['no YAML', 'accounts: [\n', 'seed.yaml:'],
  ])('%s is said in a line', async (_, text, words) => {
    const said = await made(place({ 'seed.yaml': text }))
    expect(said.code).not.toBe(0)
    expect(said.err).toContain(words)
  })

  test('an id that is somebody else’s is refused, not taken over', async () => {
    const at = place({ 'seed.yaml': seed })
    await made(at)
    writeFileSync(join(at, 'seed.yaml'), seed.replace('username: claire', 'username: clara'))
    const said = await made(at)
    expect(said).toMatchObject({
      code: 1,
      err: expect.stringContaining('usr_claire is there as the person claire') as string,
    })
  })
})
