import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { cli, endServers, serve, workplace, type Json, type Server } from './bench.ts'

const { directory, remove } = workplace()
const file = join(directory, 'invite.yaml')
let server: Server

beforeAll(async () => {
  writeFileSync(file, 'users: { registration: invite }\n')
  server = await serve(directory, ['--config', file])
})
afterAll(async () => {
  await endServers()
  remove()
})

const at = (...args: string[]) => cli(directory, args)
const here = () => ['--config', file, '--issuer', server.issuer]
async function json(...args: string[]): Promise<Json> {
  const said = await at(...args, '--json')
  expect(said.err).toBe('')
  return said.json()
}

test('without letters user invite prints the link, which makes the account at the running server', async () => {
  const said = await at('user', 'invite', '--username', 'ada', '--role', 'admin', ...here())
  expect(said.out).toContain('works once')
  const url = said.out.split('\n')[0] ?? ''
  expect(url.startsWith(`${server.issuer}/letter?token=gth_tk_`)).toBe(true)
  const browser = createBrowser(server.issuer)
  const password = 'seven herons cross a frozen lock'
  const typed = { new_password: password, repeat_password: password }
  expect((await submit(browser, await browser.ask(url), 'letter', typed)).location).toBe('/signin')
  expect(await json('user', 'show', 'ada')).toMatchObject({ role: 'admin', email: null })
})

test.each(['the store', 'the server'])('lists and takes back, on %s', async (where) => {
  const minted = await json('token', 'mint', '--user', 'admin', '--scope', 'admin', '--issuer', server.issuer)
  const remote = ['--server', server.issuer, '--token', String(minted['token'])]
  const [inviting, listing] = where === 'the store' ? [here(), []] : [remote, remote]
  const made = await json('user', 'invite', '--email', 'bea@mail.example', ...inviting)
  const waiting = async () =>
    ((await json('user', 'invitations', ...listing))['items'] as Json[]).map((each) => each['invitation_id'])
  expect(await waiting()).toContain(made['invitation_id'])
  expect((await at('user', 'uninvite', String(made['invitation_id']), ...listing)).code).toBe(0)
  expect(await waiting()).not.toContain(made['invitation_id'])
  expect((await createBrowser(server.issuer).ask(String(made['url']))).text).toContain('link_expired')
})

test('refuses in one line', async () => {
  expect(await at('user', 'invite', '--role', 'god', ...here())).toMatchObject({ code: 2 })
  expect(await at('user', 'invite', '--language', 'tlh', ...here())).toMatchObject({ code: 2 })
  const closed = await at('user', 'invite')
  expect(closed).toMatchObject({ code: 1, err: expect.stringContaining('set it to invite') as string })
  expect(await at('user', 'uninvite', 'nothing')).toMatchObject({ code: 1 })
})
