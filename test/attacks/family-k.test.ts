import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { revokeEverything, revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { sameDigest } from '../../src/crypto/chain-mac.ts'
import { macBytes } from '../../src/crypto/mac.ts'
import { keyLifetimes, keyTimes } from '../../src/domain/key-lifecycle.ts'
import type { User } from '../../src/domain/user.ts'
import {
  addCaveat,
  addCaveats,
  addThirdPartyCaveat,
  bindDischarge,
  createRandom,
  mintMacaroon,
  rawRootKey,
  rootKeyOf,
  type Macaroon,
} from '../../src/tokens/macaroon/index.ts'
import { parseMacaroonText, printMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { edit, macaroonApi, macaroonOf, makeMacaroonApi, narrow, ownMacaroon } from '../kit/macaroons.ts'
import { quickest } from '../kit/quickest.ts'
import { attack, inTurn, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let api: MadeClient
let house: House
let ada: User
let token: string
const cli = { kind: 'cli' } as const
const random = createRandom()

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  app = await server.makeClient()
  api = await makeMacaroonApi(server)
  token = (await macaroonOf(server, app, 'ada')).access_token
  house = { server, app, secrets: [app.secret, api.secret, password, token.slice(16)] }
})
afterAll(() => server.close())

const ask = (text: string, extra: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  createBrowser(server.url).ask('/oauth/introspect', {
    form: { token: text, ...extra },
    headers: { authorization: api.basic },
  })
const bearer = (text: string): Promise<Answer> =>
  createBrowser(server.url).ask('/oauth/userinfo', { headers: { authorization: `Bearer ${text}` } })

/** Both doors: inactive at introspection, 401 with a challenge at a resource. */
async function refusedEverywhere(texts: readonly string[]): Promise<void> {
  const seen = await attack(house, () => inTurn(texts, (text) => ask(text)))
  for (const answer of seen) expect([answer.status, answer.text]).toEqual([200, '{"active":false}'])
  for (const answer of await inTurn(texts, bearer)) {
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
  server.core.limits.forgive('introspection-miss', ['mac-api', '127.0.0.1'])
}

/** Signed with the server's own key, whatever it says. */
function signed(
  predicates: readonly string[],
  identifier?: string,
  { keyId, key } = server.core.keys.secret('macaroon-root'),
): string {
  const rootKey = rawRootKey(macBytes(key, Buffer.from('macaroon root\0')))
  const made = mintMacaroon({ rootKey, identifier: identifier ?? `gth1.${keyId}.jti-of-mine`, location: server.url })
  return printMacaroonText([addCaveats(made, predicates)])
}

const caveatsOf = (text: string): readonly string[] =>
  parseMacaroonText(text)![0].caveats.map(({ identifier }) => Buffer.from(identifier).toString())

test('the honest macaroon works, and what its caveats say is what the tests below change', async () => {
  expect((await ask(token)).json()).toMatchObject({ active: true, sub: ada.userId })
  expect((await ask(signed(caveatsOf(token)))).json()).toMatchObject({ active: true, sub: ada.userId })
})

describe('K01 strip', () => {
  test('a caveat taken away, cut off, doubled, put elsewhere, or one bit changed', async () => {
    const narrowed = narrow(token, 'scope = read', 'method = GET')
    const on = (change: (caveats: Macaroon['caveats']) => Macaroon['caveats']) =>
      edit(narrowed, (root) => ({ ...root, caveats: change(root.caveats) }))
    await refusedEverywhere([
      on((caveats) => caveats.slice(0, -1)),
      on((caveats) => caveats.slice(0, -2)),
      on((caveats) => caveats.toSpliced(3, 1)),
      on((caveats) => [...caveats, caveats.at(-1)!]),
      on((caveats) => caveats.toReversed()),
      on(() => []),
      edit(narrowed, (root) => ({ ...root, signature: Buffer.from(root.signature).fill(0, 31) })),
      edit(narrowed, (root) => ({
        ...root,
        identifier: Buffer.from(root.identifier).fill('x', root.identifier.length - 1),
      })),
      `${token.slice(0, 16)}${token.slice(16, -8)}`,
    ])
  })
})

test('K14 timing: tags are compared in constant time, and what has not the length of one is none', () => {
  const tag = new Uint8Array(32).fill(7)
  expect(sameDigest(tag, new Uint8Array(tag))).toBe(true)
  for (let at = 0; at < 32; at += 1) expect(sameDigest(tag, tag.with(at, 8))).toBe(false)
  for (const length of [0, 31, 33, 64]) expect(sameDigest(tag, new Uint8Array(length).fill(7))).toBe(false)
})

describe('K02 bare', () => {
  test('rightly signed, and nothing or too little is said', async () => {
    const caveats = caveatsOf(token)
    await refusedEverywhere([
      signed([]),
      signed(['scope = read']),
      ...caveats.slice(0, 11).map((_, index) => signed(caveats.toSpliced(index, 1))),
    ])
  })
})

describe('K03 unknown-caveat', () => {
  test('a name, an operator or a version that nobody knows', async () => {
    await refusedEverywhere([
      narrow(token, 'colour = blue'),
      narrow(token, 'method < GET'),
      narrow(token, 'time < tomorrow'),
      edit(token, (root) => addCaveat(root, Buffer.of(0xff, 0xfe))),
      signed(caveatsOf(token), `gth2.${server.core.keys.secret('macaroon-root').keyId}.jti`),
    ])
  })
})

describe('K04 caveat-confusion', () => {
  test('one spelling, and each member of identity once', async () => {
    await refusedEverywhere([
      narrow(token, 'scope=read'),
      narrow(token, ' scope = read'),
      narrow(token, 'scope  =  read'),
      narrow(token, 'sсope = read'),
      narrow(token, 'scope = read\nuser = usr_other'),
      narrow(token, 'userX = 1'),
      narrow(token, 'user = usr_other'),
      narrow(token, `user = ${ada.userId}`),
      narrow(token, 'claims = {"role":"superuser"}'),
      narrow(token, 'epoch = 9.9.9'),
    ])
  })

  test('a context with a member twice, or of a kind that it may not have', async () => {
    const seen = await attack(house, () =>
      inTurn(['{"method":"GET","method":"POST"}', '{"method":["GET"]}', '{"user":"x"}'], (text) =>
        ask(token, { caveat_context: text }),
      ),
    )
    for (const answer of seen) expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })
})

describe('K05 widening', () => {
  test('a later end, more scope, another audience: what is left is what everybody allowed', async () => {
    const before = (await ask(token)).json()
    const wide = narrow(token, 'scope = read write admin', 'time < 2099-01-01T00:00:00Z')
    expect((await attack(house, () => ask(wide))).json()).toMatchObject({ scope: 'read write', exp: before['exp'] })
    const back = narrow(narrow(token, 'scope = read'), 'scope = read write')
    expect((await ask(back)).json()).toMatchObject({ scope: 'read' })
    await refusedEverywhere([narrow(token, `aud = ${server.url}`)])
    expect((await bearer(narrow(token, `aud = ${server.url} ${macaroonApi}`))).status).toBe(401)
  })
})

describe('K06, K07 discharges', () => {
  const key = rootKeyOf('known to the third party')
  const party = { location: 'https://third.example', identifier: 'a promise', rootKey: key }
  const guardedBy = (text: string) => addThirdPartyCaveat(parseMacaroonText(text)![0], party, random)
  const discharge = mintMacaroon({ rootKey: key, identifier: 'a promise' })

  test('the right one, bound, is met', async () => {
    const root = guardedBy(token)
    const bundle = printMacaroonText([root, bindDischarge(root, discharge)])
    expect((await ask(bundle)).json()).toMatchObject({ active: true, caveats: [] })
    const narrowed = printMacaroonText([root, bindDischarge(root, addCaveat(discharge, 'scope = read'))])
    expect((await ask(narrowed)).json()).toMatchObject({ active: true, scope: 'read' })
  })

  test('K06 discharge-replay: unbound, or bound to another root', async () => {
    const [root, other] = [guardedBy(token), guardedBy(narrow(token, 'scope = read'))]
    await refusedEverywhere([
      printMacaroonText([root]),
      printMacaroonText([root, discharge]),
      printMacaroonText([root, bindDischarge(other, discharge)]),
      printMacaroonText([root, bindDischarge(root, addCaveat(discharge, 'colour = blue'))]),
      printMacaroonText([
        root,
        bindDischarge(root, mintMacaroon({ rootKey: rootKeyOf('x'), identifier: 'a promise' })),
      ]),
    ])
  })

  test('K07 discharge-graph: left over, twice, in a circle, ten thousand', async () => {
    const root = guardedBy(token)
    const bound = bindDischarge(root, discharge)
    const circle = bindDischarge(root, addThirdPartyCaveat(discharge, party, random))
    await refusedEverywhere([
      printMacaroonText([parseMacaroonText(token)![0], bound]),
      printMacaroonText([root, bound, bound]),
      printMacaroonText([root, circle]),
      printMacaroonText([root, ...Array.from({ length: 60 }, () => bound)]),
    ])
    // More than a header holds: refused by its length, before anything is read.
    const huge = printMacaroonText([root, ...Array.from({ length: 10_000 }, () => bound)])
    const asked = async () => expect((await ask(huge)).status).not.toBe(500)
    expect(await quickest(asked, { enough: 500 })).toBeLessThan(500)
  })

  test('K08 location: what a third-party caveat calls its place is never fetched', async () => {
    const visits: string[] = []
    const neighbour = createServer((request, response) => {
      visits.push(request.url ?? '')
      response.end()
    })
    await new Promise<void>((resolve) => neighbour.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = neighbour.address() as AddressInfo
      const location = `http://127.0.0.1:${port}/discharge`
      const inward = printMacaroonText([
        addThirdPartyCaveat(parseMacaroonText(token)![0], { ...party, location }, random),
      ])
      await refusedEverywhere([inward])
      const discharge = { form: { caveat_id: 'a promise' }, headers: { authorization: `Bearer ${inward}` } }
      expect((await createBrowser(server.url).ask('/oauth/discharge', discharge)).status).toBe(401)
      expect(visits).toEqual([])
      // It would have been heard.
      await fetch(location)
      expect(visits).toEqual(['/discharge'])
    } finally {
      neighbour.closeAllConnections()
      neighbour.close()
    }
  })
})

describe('K09, K11 stale epochs', () => {
  test('the next request after the bump finds it dead, and every child that was made before', async () => {
    const before = (await macaroonOf(server, app, 'ada')).access_token
    const child = narrow(before, 'scope = read')
    expect((await ask(child)).json()).toMatchObject({ active: true })
    await revokeTokens(server.core, { actor: cli, userId: ada.userId })
    await refusedEverywhere([before, child, narrow(child, 'method = GET')])
    token = (await macaroonOf(server, app, 'ada')).access_token
    expect((await ask(token)).json()).toMatchObject({ active: true })
  })

  test('a bump for everybody', async () => {
    const own = await ownMacaroon(server, app)
    await revokeEverything(server.core, cli)
    await refusedEverywhere([own, token])
    token = (await macaroonOf(server, app, 'ada')).access_token
  })

  test('K10 epoch-forge: missing, negative, a text, too large, greater than the current', async () => {
    const caveats = caveatsOf(token)
    const [global = '', user = '', client = ''] = caveats[7]!.slice('epoch = '.length).split('.')
    const forged = [
      '',
      'epoch = ',
      `epoch = -${global}.${user}.${client}`,
      `epoch = ${global}.${user}.${client}.1`,
      `epoch = ${Number(global) + 1}.${user}.${client}`,
      `epoch = ${global}.9007199254740993.${client}`,
      `epoch = ${global}.-.${client}`,
      `epoch = 0${global}.${user}.${client}`,
      'epoch = "1"',
    ]
    await refusedEverywhere(forged.map((epoch) => signed(caveats.with(7, epoch))))
  })
})

describe('K12 key-ids', () => {
  test('an unknown key, a key of another ring', async () => {
    const caveats = caveatsOf(token)
    const mac = server.core.keys.secret('mac')
    await refusedEverywhere([
      signed(caveats, 'gth1.0123456789ab.jti'),
      signed(caveats, `gth1.${mac.keyId}.jti`),
      signed(caveats, `gth1.${mac.keyId}.jti`, mac),
      signed(caveats, 'gth1...'),
      printMacaroonText([
        addCaveats(
          mintMacaroon({ rootKey: rootKeyOf('mine'), identifier: parseMacaroonText(token)![0].identifier }),
          caveats,
        ),
      ]),
    ])
  })

  test('old keys verify after a rotation', async () => {
    const before = await ownMacaroon(server, app)
    await server.core.keys.rotate('macaroon-root')
    server.clock.advance(60)
    await server.core.keys.tick()
    const after = await ownMacaroon(server, app)
    const keyOf = (text: string) => Buffer.from(parseMacaroonText(text)![0].identifier).toString().split('.')[1]
    expect(keyOf(after)).not.toBe(keyOf(before))
    expect((await ask(before)).json()).toMatchObject({ active: true })
    expect((await ask(after)).json()).toMatchObject({ active: true })
  })

  test('a retired key verifies until the last that it minted is over, and never again', async () => {
    const elder = await startGatehouse()
    try {
      const own = await elder.makeClient()
      const guard = await makeMacaroonApi(elder)
      const { keyId, key } = elder.core.keys.secret('macaroon-root')
      // What a thief of the old key would make: with an end of his own, beyond every one of ours.
      const made = mintMacaroon({
        rootKey: rawRootKey(macBytes(key, Buffer.from('macaroon root\0'))),
        identifier: `gth1.${keyId}.jti-of-mine`,
        location: elder.url,
      })
      const predicates = caveatsOf(await ownMacaroon(elder, own))
      const eternal = predicates.map((one) => (one.startsWith('time < ') ? 'time < 2099-01-01T00:00:00Z' : one))
      expect(eternal).not.toEqual(predicates)
      // Another house's key proves nothing in this one, and this one's nothing there: no two share a secret.
      await refusedEverywhere([
        printMacaroonText([addCaveats(made, predicates)]),
        printMacaroonText([addCaveats(made, caveatsOf(token))]),
      ])
      const text = printMacaroonText([addCaveats(made, eternal)])
      const seen = (): Promise<Answer> =>
        createBrowser(elder.url).ask('/oauth/introspect', {
          form: { token: text },
          headers: { authorization: guard.basic },
        })
      const { retain = 0 } = keyTimes('macaroon-root', keyLifetimes)
      await elder.core.keys.rotate('macaroon-root')
      elder.clock.advance(60)
      await elder.core.keys.tick()
      elder.clock.advance(retain - 60)
      expect((await seen()).json()).toMatchObject({ active: true })
      elder.clock.advance(60)
      await elder.core.keys.tick()
      expect((await seen()).text).toBe('{"active":false}')
      expect(elder.core.keys.list().some((one) => one.keyId === keyId)).toBe(false)
    } finally {
      await elder.close()
    }
  })
})

describe('K13 lookup-DoS', () => {
  test('a wrong MAC costs no read of the store', async () => {
    const { store } = server.core.transition
    const read = vi.spyOn(store, 'read')
    for (let index = 0; index < 20; index++) {
      const answer = await bearer(signed(caveatsOf(token), `gth1.${random.text(9)}.${random.text(16)}`))
      expect(answer.status).toBe(401)
      const stripped = edit(narrow(token, 'scope = read'), (root) => ({ ...root, caveats: root.caveats.slice(0, -1) }))
      expect((await bearer(stripped)).status).toBe(401)
    }
    const kinds = new Set(read.mock.calls.flatMap(([refs]) => refs.map(({ kind }) => kind)))
    // A key that this node hadn't seen is looked for, at most once a second.
    expect([...kinds].filter((kind) => kind !== 'key')).toEqual([])
    read.mockRestore()
  })
})

describe('K15 verify-is-mint', () => {
  test('nothing that the documents or the REST API show, to whomever, is a root key', async () => {
    await server.makeUser('root', { role: 'superuser' })
    const desk = await server.makeClient({ client_id: 'desk', scope: 'openid admin' })
    const { tokens } = await codeFlow(server, desk, 'root', { extra: { scope: 'openid admin' } })
    const { keyId, key } = server.core.keys.secret('macaroon-root')
    const jwks = await createBrowser(server.url).ask('/.well-known/jwks.json')
    expect(jwks.text).not.toContain(keyId)
    const authorization = `Bearer ${tokens.access_token}`
    const asked = await inTurn(['/api/v1/keys', '/api/v1/resources', '/api/v1/clients/mac-api'], (path) =>
      createBrowser(server.url).ask(path, { headers: { authorization } }),
    )
    expect(asked.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(asked[0]?.text).toContain(keyId)
    const root = macBytes(key, Buffer.from('macaroon root\0'))
    const forms = [...(['hex', 'base64', 'base64url'] as const).map((form) => root.toString(form)), '"oct"', '"k"']
    for (const { text } of [jwks, ...asked]) for (const form of forms) expect(text).not.toContain(form)
    // The API itself asks for the key by which it could verify alone.
    for (const path of [`/api/v1/keys/${keyId}`, '/api/v1/keys']) {
      const answer = await createBrowser(server.url).ask(path, { headers: { authorization: api.basic } })
      expect([401, 404]).toContain(answer.status)
    }
  })
})

describe('K16 cache-after-revoke', () => {
  test('asked a hundred times, then revoked: the next answer is no', async () => {
    const one = await ownMacaroon(server, app)
    for (let index = 0; index < 100; index++) expect((await ask(one)).json()).toMatchObject({ active: true })
    await createBrowser(server.url).ask('/oauth/revoke', {
      form: { token: one },
      headers: { authorization: app.basic },
    })
    expect((await ask(one)).text).toBe('{"active":false}')
  })
})

describe('K17 leaked-token', () => {
  test('a scanner tells ours by prefix and checksum, and whoever finds one can’t change the checksum into a right', async () => {
    const [, kind, sum, body] = /^gth_(mc)_([0-9a-f]{8})_([\w-]+)$/.exec(token) ?? []
    expect([kind, sum?.length, (body ?? '').length > 100]).toEqual(['mc', 8, true])
    await refusedEverywhere([`gth_mc_00000000_${body}`, `gth_at_${sum}_${body}`, `gth_mc_${sum}_${body}A`])
  })
})

describe('K20 clock', () => {
  test('the end is the same second at every door', async () => {
    const flow = await codeFlow(server, app, 'ada', { extra: { resource: macaroonApi, scope: 'openid read' } })
    const { exp } = (await ask(flow.tokens.access_token)).json()
    server.clock.advance(Number(exp) - server.clock.seconds() - 5)
    expect((await ask(flow.tokens.access_token)).json()).toMatchObject({ active: true })
    server.clock.advance(5)
    await refusedEverywhere([flow.tokens.access_token])
  })
})
