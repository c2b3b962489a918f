import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/accounts/create-user.ts'
import { patchUser, type UserPatch } from '../../src/accounts/patch-user.ts'
import { revokeToken } from '../../src/accounts/revoke-token.ts'
import { revokeEverything, revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { ImportRefused } from '../../src/keys/import-key.ts'
import {
  addCaveats,
  mintMacaroon,
  parseInstant,
  printBinaryV1,
  printBinaryV2,
  printInstant,
  printJsonV2,
  rootKeyOf,
  type Macaroon,
} from '../../src/tokens/macaroon/index.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { curiousApi, introspectCall, macaroonApi, makeCuriousApi, makeMacaroonApi } from '../kit/macaroons.ts'
import { createBrowser } from '../kit/browser.ts'
import { userinfo } from '../kit/flow.ts'

const vector = JSON.parse(readFileSync(new URL('../vectors/macaroons-fatcat-style.json', import.meta.url), 'utf8')) as {
  rootKeyBase64: string
  identifier: string
  location: string
}
const rootKey = rootKeyOf(Buffer.from(vector.rootKeyBase64, 'base64'))
const editor = 'aaaaaaaaaaaabkvkaaaaaaaaae'

let server: TestGatehouse
let api: MadeClient
let born: string
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse()
  api = await makeMacaroonApi(server)
  const accounts = { ...server.core, strength: async () => undefined }
  for (const [username, id, locked] of [
    ['claire', editor, false],
    ['locked', 'aaaaaaaaaaaabkvkaaaaaaaaai', true],
  ] as const)
    await createUser(accounts, cli, { username, brought: { userId: `usr_${id}`, epoch: 1, locked } })
  await server.core.keys.importKey({ ...terms(), rootKey }, 'cli')
  born = printInstant(server.clock.seconds() - 3600)
})
afterAll(() => server.close())

function terms(change: object = {}) {
  return {
    name: vector.identifier,
    resource: macaroonApi,
    scope: ['read'],
    notAfter: server.clock.seconds() + 30 * 86_400,
    ...change,
  }
}
const made = (caveats: readonly string[], key = rootKey, identifier = vector.identifier): Macaroon =>
  addCaveats(mintMacaroon({ rootKey: key, identifier, location: vector.location }), caveats)
const usual = () => [`editor_id = ${editor}`, `time > ${born}`]
const ask = (macaroon: Macaroon | string, context?: Readonly<Record<string, string>>) =>
  introspectCall(
    server,
    api,
    typeof macaroon === 'string' ? macaroon : printBinaryV2(macaroon).toString('base64url'),
    context,
  )
const inactive = { active: false }

describe("system fatcat's macaroons after the move", () => {
  test('hold at introspection, as the account that was imported, for one API and its scope', async () => {
    expect(await ask(made(usual()))).toMatchObject({
      active: true,
      sub: `usr_${editor}`,
      client_id: `import:${vector.identifier}`,
      aud: macaroonApi,
      scope: 'read',
      iat: parseInstant(born),
      caveats: [],
    })
  })

  test('say of their account what the API asks for, as it is now: name, role, bot or not', async () => {
    await makeCuriousApi(server)
    const scope = { name: 'curious', resource: curiousApi, scope: ['read'] }
    await server.core.keys.importKey({ ...terms(scope), rootKey }, 'cli')
    const token = made(usual(), rootKey, 'curious')
    expect(await ask(token)).toMatchObject({ active: true, username: 'claire', role: 'editor', bot: false })
    const accounts = { ...server.core, strength: async () => undefined }
    const change = (patch: UserPatch) => patchUser(accounts, { actor: cli, userId: `usr_${editor}`, patch })
    await change({ fullName: 'Claire', username: 'clara' })
    expect(await ask(token)).toMatchObject({ username: 'clara', name: 'Claire' })
    // Another role ends what was made before it, as with ours.
    await change({ role: 'admin' })
    expect(await ask(token)).toEqual(inactive)
    server.clock.advance(5)
    born = printInstant(server.clock.seconds())
    expect(await ask(made(usual(), rootKey, 'curious'))).toMatchObject({ role: 'admin' })
    const untold = await ask(made(usual()))
    for (const name of ['username', 'name', 'role', 'bot']) expect(untold).not.toHaveProperty(name)
  })

  test('in both alphabets, padded or not, in V1 and as JSON', async () => {
    const macaroon = made([...usual(), 'time < 2099-01-01T00:00:00Z'])
    const v2 = printBinaryV2(macaroon)
    const padded = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4, '=')
    for (const text of [
      v2.toString('base64'),
      v2.toString('base64url'),
      padded(v2.toString('base64url')),
      printBinaryV1(macaroon).toString('base64url'),
      printJsonV2(macaroon),
    ])
      expect(await ask(text), text.slice(0, 20)).toMatchObject({ active: true })
  })

  test('with their wording: time <, endpoint =, and what narrows ours', async () => {
    const soon = server.clock.seconds() + 60
    expect(await ask(made([...usual(), `time < ${printInstant(soon)}`]))).toMatchObject({ active: true, exp: soon })
    expect(await ask(made([...usual(), `time < ${printInstant(soon - 61)}`]))).toEqual(inactive)
    const one = made([...usual(), 'endpoint = update_editor'])
    expect(await ask(one, { endpoint: 'update_editor' })).toMatchObject({ active: true })
    expect(await ask(one, { endpoint: 'auth_check' })).toEqual(inactive)
    expect(await ask(one)).toEqual(inactive)
    expect(await ask(made([...usual(), 'scope = write']))).toMatchObject({ scope: '' })
  })

  test.each([
    ['without an editor', () => [`time > ${born}`]],
    ['without a time', () => [`editor_id = ${editor}`]],
    ['two editors', () => [...usual(), 'editor_id = aaaaaaaaaaaabkvkaaaaaaaaai']],
    ['the same editor twice', () => [...usual(), `editor_id = ${editor}`]],
    ['two times', () => [...usual(), 'time > 2001-01-01T00:00:00Z']],
    ['an unknown caveat', () => [...usual(), 'editgroup = x']],
    ['no caveat', () => []],
    ['an editor that nobody imported', () => ['editor_id = aaaaaaaaaaaabkvkaaaaaaaaau', `time > ${born}`]],
    ['an editor that is no id', () => ['editor_id = ../../admin', `time > ${born}`]],
    ['a locked account', () => ['editor_id = aaaaaaaaaaaabkvkaaaaaaaaai', `time > ${born}`]],
    ['made in the future', () => [`editor_id = ${editor}`, 'time > 2098-01-01T00:00:00Z']],
  ])('K02, K04: %s: refused', async (_, caveats) => expect(await ask(made(caveats()))).toEqual(inactive))

  test('K12: of another key, or under a name that nobody imported: refused', async () => {
    expect(await ask(made(usual(), rootKeyOf('another')))).toEqual(inactive)
    expect(await ask(made(usual(), rootKey, 'another'))).toEqual(inactive)
  })

  test('an imported key never proves one of ours: whoever has it can mint', async () => {
    const { keyId } = server.core.keys.secret('macaroon-root')
    for (const identifier of [
      `gth1.${keyId}.jti`,
      `gth1.import:${vector.identifier}.jti`,
      `gth1.${vector.identifier}.jti`,
    ])
      expect(await ask(made(usual(), rootKey, identifier))).toEqual(inactive)
  })

  test('one of them ends alone, with whatever was narrowed from it', async () => {
    const another = [`editor_id = ${editor}`, `time > ${printInstant((parseInstant(born) ?? 0) - 1)}`]
    const text = printBinaryV2(made(another)).toString('base64url')
    expect(await ask(text)).toMatchObject({ active: true })
    expect(await revokeToken(server.core, { text, actor: cli })).toMatchObject({ done: { revoked: 'access_token' } })
    expect(await ask(text)).toEqual(inactive)
    expect(await ask(made([...another, 'scope = read']))).toEqual(inactive)
    expect(await ask(made(usual()))).toMatchObject({ active: true })
  })

  test('opens no door of ours', async () => {
    const token = printBinaryV2(made(usual())).toString('base64url')
    expect((await userinfo(server, token)).status).toBe(401)
    const session = await createBrowser(server.url).ask('/api/v1/me/session', {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(session.status).toBe(401)
  })

  test('a bump of the account’s epoch ends what was made before, with no second of grace', async () => {
    const before = made([`editor_id = ${editor}`, `time > ${printInstant(server.clock.seconds())}`])
    expect(await ask(before)).toMatchObject({ active: true })
    await revokeTokens(server.core, { actor: cli, userId: `usr_${editor}` })
    expect(await ask(before)).toEqual(inactive)
    expect(await ask(made(usual()))).toEqual(inactive)
    server.clock.advance(5)
    const after = made([`editor_id = ${editor}`, `time > ${printInstant(server.clock.seconds())}`])
    expect(await ask(after)).toMatchObject({ active: true })
    await revokeEverything(server.core, cli)
    expect(await ask(after)).toEqual(inactive)
    server.clock.advance(5)
    born = printInstant(server.clock.seconds())
    expect(await ask(made(usual()))).toMatchObject({ active: true })
    const accounts = { ...server.core, strength: async () => undefined }
    await patchUser(accounts, { actor: cli, userId: `usr_${editor}`, patch: { locked: true } })
    expect(await ask(made(usual()))).toEqual(inactive)
  })

  test('end with their key', async () => {
    const end = server.clock.seconds() + 60
    await server.core.keys.importKey({ ...terms({ name: 'brief', notAfter: end }), rootKey }, 'cli')
    await createUser({ ...server.core, strength: async () => undefined }, cli, {
      username: 'other',
      brought: { userId: 'usr_aaaaaaaaaaaabkvkaaaaaaaaam', epoch: 1, locked: false },
    })
    const now = printInstant(server.clock.seconds())
    const macaroon = made(['editor_id = aaaaaaaaaaaabkvkaaaaaaaaam', `time > ${now}`], rootKey, 'brief')
    expect(await ask(macaroon)).toMatchObject({ active: true, exp: end })
    server.clock.advance(60)
    expect(await ask(macaroon)).toEqual(inactive)
    await server.core.keys.tick()
    expect(server.core.keys.list().some(({ keyId }) => keyId === 'import:brief')).toBe(false)
  })
})

describe('what key import refuses', () => {
  test('a scope of an API that opens the vault: whoever has the key could mint himself the tokens of everybody', async () => {
    await server.makeResource({ resource: 'https://printer.example', scope: 'print vault:etsy' })
    const wanted = terms({ name: 'n', resource: 'https://printer.example', scope: ['print', 'vault:etsy'] })
    await expect(server.core.keys.importKey({ ...wanted, rootKey }, 'cli')).rejects.toThrow('the scope vault:etsy')
  })

  test.each([
    [{ name: vector.identifier }, 'imported already'],
    [{ name: 'gth1.x.y' }, 'the name of the key'],
    [{ name: 'a b' }, 'the name of the key'],
    [{ name: 'n', resource: 'https://unknown.example' }, 'no API'],
    [{ name: 'n', scope: ['admin'] }, 'the scope admin'],
    [{ name: 'n', scope: ['me'] }, 'the scope me'],
    [{ name: 'n', notAfter: 5 }, 'the end of the key'],
    [{ name: 'n', notAfter: 9_000_000_000 }, 'the end of the key'],
  ])('%j', async (change, message) => {
    const attempt = server.core.keys.importKey({ ...terms(change), rootKey }, 'cli')
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toBeInstanceOf(ImportRefused)
  })
})
