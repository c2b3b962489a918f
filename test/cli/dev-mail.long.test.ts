import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { endServers, serve, workplace, type Server } from './bench.ts'

const { directory, remove } = workplace()
afterEach(() => endServers())
afterAll(remove)

const file = join(directory, 'open.yaml')
writeFileSync(file, 'users: { registration: open }\n')
const secret = 'seven herons cross a frozen lock'

async function register(server: Server, username: string): Promise<number> {
  const answer = await createBrowser(server.issuer).ask('/api/v1/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, email: `${username}@mail.example`, password: secret }),
  })
  return answer.status
}

test('serve --dev-mail: a link is one mail.letter line of the log, and it works', async () => {
  const server = await serve(directory, ['--config', file, '--dev-mail'])
  expect(await register(server, 'ada')).toBe(202)
  await server.says(/"event":"mail\.letter"/)
  const lines = server.out().split('\n').concat(server.err().split('\n'))
  const holding = lines.filter((line) => line.includes('gth_tk_'))
  expect(holding).toHaveLength(1)
  const letter = JSON.parse(holding[0] ?? '') as Record<string, string>
  expect(letter).toMatchObject({ event: 'mail.letter', to: 'ada@mail.example' })
  const link = /https?:\/\/\S+/.exec(letter['text'] ?? '')?.[0] ?? ''
  const browser = createBrowser(server.issuer)
  const made = await submit(browser, await browser.ask(link), 'letter', { password: secret })
  expect(made.location).toBe('/signin')
})

test('without the flag there is no letter, and no line that holds a link', async () => {
  const server = await serve(directory, ['--config', file])
  expect(await register(server, 'bea')).toBe(201)
  expect((await createBrowser(server.issuer).ask('/recover')).status).toBe(404)
  server.signal('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(server.out() + server.err()).not.toMatch(/mail\.letter|gth_tk_|\/letter\?/)
})
