import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cli, workplace } from './bench.ts'

const { directory, remove } = workplace()
afterAll(remove)

const yaml = `clients:
  - client_id: web
    client_secret: { env: WEB_SECRET }
    redirect_uris: ["https://web.example/cb"]
  - client_id: other
    client_secret: { file: other.secret }
    redirect_uris: ["https://other.example/cb"]
providers:
  - { name: github, preset: github, client_id: { env: GITHUB_ID }, client_secret: { env: GITHUB_SECRET } }
`
writeFileSync(join(directory, 'gatehouse.yaml'), yaml)

test('beside a server nobody has to have the secrets of its clients and providers', async () => {
  expect(await cli(directory, ['store', 'migrate'])).toMatchObject({ code: 0, err: '' })
  expect(await cli(directory, ['user', 'create', 'ada'], { stdin: 'a kingfisher over 7 canals\n' })).toMatchObject({
    code: 0,
  })
  expect(await cli(directory, ['user', 'link', 'ada', 'github', '--subject', '4711'])).toMatchObject({
    code: 0,
    err: '',
  })
  expect((await cli(directory, ['client', 'list', '--json'])).code).toBe(0)
  // Nobody answers there; that he isn't asked for a secret before is the point.
  const started = await cli(directory, ['connection', 'start', 'github', '--issuer', 'http://127.0.0.1:1'])
  expect(started.err).toMatch(/^gatehouse: http:\/\/127\.0\.0\.1:1 /)
})

test('who serves, or checks what would be served, is told of each that is missing', async () => {
  const missing = ['WEB_SECRET', 'other.secret', 'GITHUB_ID', 'GITHUB_SECRET']
  for (const args of [['serve', '--port', '0'], ['doctor'], ['provider', 'list']]) {
    const said = await cli(directory, args)
    expect(said.code).not.toBe(0)
    for (const name of missing) expect(said.out + said.err).toContain(name)
  }
})
